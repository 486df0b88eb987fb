"""Many agents: the bus they speak by, what is collected of them, and the page that shows it."""
