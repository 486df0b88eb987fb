"""`python -m tlsight`."""

from detector.cli import main

main()
