"""Reading the names that libraries have for their errors, and what those names can mean."""
