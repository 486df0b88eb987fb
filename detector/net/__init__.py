"""The only sockets of the product, and the only clock."""
