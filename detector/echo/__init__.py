"""What left a client, and what arrived at a server of ours: told by the server, signed, compared. Pure."""
