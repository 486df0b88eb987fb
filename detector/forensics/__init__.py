"""What captured connections and logged failures mean: verdicts, causes, stories. Pure."""
