"""Reading every place on this machine where trust is decided. One file a kind of store."""
