"""Rules in the languages of other gateways, one file a language; what cannot be said exactly is refused."""
