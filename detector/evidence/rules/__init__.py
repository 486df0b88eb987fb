"""One rule a file, each with its claim and its source. A rule imports no rule; `gather` runs them all."""
