"""What the program says of its work: to standard error, for people or machines, without secrets."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, TextIO

from backhaul.secrets import MASK, Secret, redact

if TYPE_CHECKING:
    from structlog.typing import Processor

__all__ = ["LogFormat", "LogLevel", "configure"]

LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["auto", "human", "json"]

# Their entries hold whole URLs, headers and SQL, and say nothing that our own do not.
_TALKATIVE = ("httpx", "httpcore", "aiohttp", "asyncio", "alembic", "sqlalchemy", "watchfiles")


def configure(level: LogLevel = "info", format: LogFormat = "auto", *, stream: TextIO | None = None) -> None:  # noqa: A002  # the setting's name
    """Set up logging for the process: structlog's and the standard library's, in one form.

    Args:
        level: least important kind of entry to show.
        format: ``human`` is one coloured line per entry, ``json`` one object; ``auto`` is human on a terminal.
        stream: where to write; standard error when None.
    """
    import structlog

    target = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    human = target.isatty() if format == "auto" else format == "human"
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # As text: structlog's other forms of tracebacks show local variables, and with them customers' data.
        structlog.processors.format_exc_info,
        structlog.processors.StackInfoRenderer(),
        _without_secrets,
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback)
        if human
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(target),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared[:3], structlog.stdlib.add_logger_name],
            # format_exc_info and what follows must see the exception, which only the formatter puts in.
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *shared[3:], renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(number)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))


def _without_secrets(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in entry.items():
        entry[key] = _cleaned(value)
    return entry


def _cleaned(value: Any) -> Any:
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return redact(value)
        case Secret():
            return MASK
        case Mapping():
            return {redact(str(key)): _cleaned(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_cleaned(item) for item in value]
        case date():
            return value.isoformat()
        case _:
            return redact(repr(value))
