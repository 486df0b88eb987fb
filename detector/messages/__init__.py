"""Error messages of other programs, and what they mean. Pure."""
