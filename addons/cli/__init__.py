"""Verbs of the command that work on bypass rules."""
