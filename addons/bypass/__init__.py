"""Which connections an intercepting proxy must not decrypt: rules and their matcher. Pure."""
