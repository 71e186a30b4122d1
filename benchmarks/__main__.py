"""Run all benchmarks: ``python -m benchmarks``, or some: ``python -m benchmarks journal startup``."""

from __future__ import annotations

import sys
from collections.abc import Callable

from backhaul.logs import configure
from benchmarks import (
    call_to_card,
    chain,
    cron_schedules,
    each,
    http_client,
    journal,
    journal_writer,
    listing,
    reconcile,
    reconcile_killed,
    restart,
    schedules,
    startup,
    waiting,
    webhooks,
)

BENCHMARKS: dict[str, Callable[[], None]] = {
    "call_to_card": call_to_card.main,
    "chain": chain.main,
    "cron_schedules": cron_schedules.main,
    "each": each.main,
    "http_client": http_client.main,
    "journal": journal.main,
    "journal_writer": lambda: journal_writer.main([]),
    "listing": listing.main,
    "restart": restart.main,
    "schedules": schedules.main,
    "reconcile": reconcile.main,
    "reconcile_killed": reconcile_killed.main,
    "startup": startup.main,
    "waiting": waiting.main,
    "webhooks": webhooks.main,
}


def main() -> None:
    """Run the benchmarks named on the command line, or all."""
    configure("warning", "human")
    names = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"no benchmark {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}")
    for name in names:
        print(f"\n{name}: {(sys.modules[f'benchmarks.{name}'].__doc__ or '').partition(chr(10))[0]}")
        BENCHMARKS[name]()


main()
