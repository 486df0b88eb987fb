"""One file a page: what it asks of the database, and what its template is given."""
