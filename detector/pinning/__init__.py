"""Pins over time: learning them, telling renewals from forgeries, giving them to other programs. Pure."""
