"""Runs the sandbox: ``python -m backhaul_connectors.sandbox``."""

from backhaul_connectors.sandbox.server import main

main()
