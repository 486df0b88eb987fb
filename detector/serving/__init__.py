"""Servers that the product itself runs for others to be measured at: what every such server has in common."""
