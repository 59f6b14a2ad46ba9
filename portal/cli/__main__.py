"""`python -m portal.cli`: the command line without its script."""

from portal.cli import main

main()
