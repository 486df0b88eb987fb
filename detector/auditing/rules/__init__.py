"""One finding of the audit a file. A rule imports no rule; `audit` runs them all."""
