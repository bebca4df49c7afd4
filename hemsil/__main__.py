"""`python -m hemsil` is the same as the command `hemsil`."""

from hemsil.main import main

main()
