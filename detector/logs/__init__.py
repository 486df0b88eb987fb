"""Lines of server logs in, failed handshakes out. Pure: bytes come from a callable, the zone is told."""
