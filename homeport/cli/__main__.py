"""`python -m homeport.cli`."""

from homeport.cli import main

main()
