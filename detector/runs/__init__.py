"""One run a verb: it dials, reads, asks and judges, and gives values out. Nothing is printed here."""
