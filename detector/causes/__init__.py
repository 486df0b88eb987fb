"""Why handshakes fail: the clues, the rules asked in the order of data/causes.toml, and how to be sure."""
