"""Why handshakes fail: one rule a file, (Clues) -> Found or nothing; rules.py lists them in order."""
