"""Run all benchmarks: ``python -m benchmarks``, or some: ``python -m benchmarks journal startup``."""

from __future__ import annotations

import sys
from collections.abc import Callable

from backhaul.logs import configure
from benchmarks import each, http_client, journal, journal_writer, listing, startup

BENCHMARKS: dict[str, Callable[[], None]] = {
    "each": each.main,
    "http_client": http_client.main,
    "journal": journal.main,
    "journal_writer": lambda: journal_writer.main([]),
    "listing": listing.main,
    "startup": startup.main,
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
