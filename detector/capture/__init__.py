"""Captured packets in, connections out. Pure: bytes come from a callable, time from the packets."""
