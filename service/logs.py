"""Logging: event names and key-values, through an allow-list, so that no personal value gets out.

Names, phones, identity numbers and form answers have no key here. A key that is not listed is dropped and
only its name is kept (`dropped`). Of an exception the type and the place are logged, never its text: texts
of validation and database errors quote what the user typed. Audit is not logging; audit is the event log.
"""

import logging
import sys
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

# fmt: off
ALLOWED = frozenset({
    "event", "level", "timestamp", "logger", "dropped",
    # whose work this is
    "request_id", "command_id", "principal_id", "organisation_id", "drill", "worker_id",
    # what it is about: opaque ids and catalogue names only
    "incident_id", "instance_id", "task_id", "timer_id", "event_id", "message_id", "delivery_id", "deadline_id",
    "stream_id", "kind", "ref",
    "procedure", "element", "definition_id", "version", "revision", "rule", "decision", "form",
    "command", "event_type", "gateway",
    # how it went
    "status", "code", "reason_code", "attempt", "count", "duration_ms", "due_at", "method", "route", "signal",
    "exception", "trace", "library", "library_text",
    # what started
    "address", "port", "database_kind", "schema_revision", "clock",
})
# fmt: on
# Libraries whose own texts hold no data of ours; of all others only name and place are logged.
PLAIN_LIBRARIES = frozenset({"uvicorn", "uvicorn.error", "alembic.runtime.migration"})
# Its lines hold addresses with search words; the request middleware logs route names instead.
SILENCED = ("uvicorn.access", "httpx", "httpcore")
# Tells each of its own steps as information, hundreds of lines for one of ours: from it, warnings only.
TALKATIVE = ("spiff",)
LONGEST_VALUE = 200
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def configure(
    *,
    now: Callable[[], datetime],
    log_format: Literal["columns", "json"] = "columns",
    level: Literal["debug", "info", "warning", "error"] = "info",
    stream: TextIO | None = None,
) -> None:
    """Sets logging up for this process, the standard library's loggers included.

    `now` gives the time stamp (aware UTC): logging has no clock of its own. Handlers the root logger had are replaced.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _stamp_with(now),
    ]
    last = structlog.processors.JSONRenderer(ensure_ascii=False) if log_format == "json" else _columns
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, library_record],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, exception_place, keep_allowed, last],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    for name in SILENCED:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(LEVELS[level], logging.WARNING))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def logger(name: str) -> FilteringBoundLogger:
    """A logger: `log.info("task_completed", task_id=…)`; event names are constants in snake_case."""
    bound: FilteringBoundLogger = structlog.get_logger(name)
    return bound


def bind(**values: str | int | bool) -> None:
    """Binds values to every later line of this request or step (context variables)."""
    structlog.contextvars.bind_contextvars(**values)


def unbind_all() -> None:
    """Forgets what `bind` bound; call it at the end of a request or step."""
    structlog.contextvars.clear_contextvars()


def keep_allowed(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
    """Drops every key that is not on the list and every value that is not a short scalar."""
    kept = {key: _scalar(value) for key, value in entry.items() if key in ALLOWED}
    if dropped := sorted(key for key in entry if key not in ALLOWED):
        kept["dropped"] = ",".join(dropped)
    return kept


def exception_place(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
    """Turns `exc_info` into the exception's type and the places it came through, innermost last."""
    found = entry.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    if isinstance(found, BaseException):
        found = (type(found), found, found.__traceback__)
    if isinstance(found, tuple) and found[0] is not None:
        kind, _, trace = found
        entry["exception"] = kind.__qualname__
        frames = traceback.extract_tb(trace)[-6:]
        entry["trace"] = " > ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames)
    return entry


def library_record(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
    """A line of the standard library's logging: its text only from libraries that know no data of ours."""
    name = str(entry.get("logger", ""))
    entry["library"] = name
    if name in PLAIN_LIBRARIES:
        entry["library_text"] = entry.get("event", "")
    entry["event"] = "library_message"
    return entry


def _stamp_with(now: Callable[[], datetime]) -> Processor:
    def stamp(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
        entry["timestamp"] = now().isoformat(timespec="milliseconds")
        return entry

    return stamp


def _scalar(value: object) -> str | int | float | bool | None:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value.total_seconds()}s"
    if isinstance(value, str):
        return value if len(value) <= LONGEST_VALUE else value[:LONGEST_VALUE] + "…"
    return f"<{type(value).__name__}>"


def _columns(_logger: WrappedLogger, _method: str, entry: EventDict) -> str:
    """Time, level, event, then the rest; for people."""
    stamp, level, event = (str(entry.pop(key, "")) for key in ("timestamp", "level", "event"))
    entry.pop("logger", None)
    rest = " ".join(f"{key}={value}" for key, value in entry.items())
    return f"{stamp[11:23]} {level:<7} {event:<28} {rest}".rstrip()
