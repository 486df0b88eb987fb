"""Judging a machine's trust: which roots and settings stand out, and what each tool goes by. Pure."""
