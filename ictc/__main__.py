"""`python -m ictc`."""

from ictc.cli import main

main()
