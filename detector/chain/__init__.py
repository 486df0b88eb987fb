"""Certificates: what they say, who really signed them, which names they hold, what logs saw them."""
