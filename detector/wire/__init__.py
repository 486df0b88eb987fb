"""TLS bytes in, values out. Nothing here opens a socket; nothing here trusts a length."""
