"""The endpoint agent: what a machine runs unattended and forgets."""
