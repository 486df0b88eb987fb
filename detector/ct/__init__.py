"""Certificate Transparency's mathematics: Merkle trees, signed tree heads, tiles, proofs. Pure."""
