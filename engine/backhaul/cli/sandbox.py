"""`backhaul sandbox`: stand-ins for the vendors' systems, from whichever installed package brings them."""

from __future__ import annotations

from typing import Any

import typer

__all__ = ["CONTEXT", "sandbox"]

CONTEXT: dict[str, Any] = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
_GROUP, _NAME = "backhaul.sandbox", "isp"


def sandbox(context: typer.Context) -> None:
    """Serve the vendors' systems of a fictional ISP.

    'backhaul sandbox --help' tells its options.
    """
    from importlib.metadata import entry_points

    from backhaul.errors import ConfigurationError

    found = entry_points(group=_GROUP, name=_NAME)
    if not found:
        raise ConfigurationError("no installed package brings the sandbox: install backhaul with its connectors")
    next(iter(found)).load()(context.args)
