"""A public key infrastructure of our own, with its own CT log, and servers under it."""
