"""pytest's door to tlsight."""
