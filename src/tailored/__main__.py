"""`python -m tailored` is the command line."""

from tailored.cli import main

main(prog_name="tailored")
