"""Servers by which an interceptor is graded: each is bad in one way, and tells the client what it saw."""
