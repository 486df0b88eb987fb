"""Values that everything passes around: plain, frozen, free of I/O."""
