"""``python -m backhaul`` is the command line."""

from backhaul.cli.main import main

main()
