"""One cause a file, each with its claim and its source. A rule imports no rule; `find` runs them all."""
