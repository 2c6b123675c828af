"""`python -m blogsvc`: the same as the command `blogsvc`."""

from .cli import main

main()
