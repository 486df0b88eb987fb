"""The only modules that import mitmproxy."""
