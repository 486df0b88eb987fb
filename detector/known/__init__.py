"""What judges compare with, as values. Loading them from files is the job of `detector.knowledge`."""
