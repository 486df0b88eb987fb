"""Asking the network for knowledge: query services, logs, lists. Every answer's way is judged."""
