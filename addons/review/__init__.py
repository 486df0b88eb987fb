"""The web page on which an administrator decides what passes."""
