"""The log: one line per event on standard error, whatever the wire brings.

A line is written by one `write()`, so that lines of several workers do not mix. Values that came from
outside are capped and escaped; a line can always be taken apart again.
"""

import json
import logging
import math
import os
import re
import sys
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from tamis import limits
from tamis.settings import Log

_logger: Final = logging.getLogger("tamis")
_STANDARD_ERROR: Final = 2
_BARE: Final = re.compile(r"[A-Za-z0-9_.:@/+<>-]+")
_NOT_KEY: Final = re.compile(r"[^A-Za-z0-9_.-]")


def clean(value: object) -> Any:
    """Return a value that is safe to print: numbers as they are, text capped, sequences capped as a whole."""
    if value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, Mapping):
        return {_key(key): clean(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return _clean_items(value)
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    return _capped(text)


def _capped(text: str) -> str:
    return text if len(text) <= limits.LOG_VALUE_CHARS else text[: limits.LOG_VALUE_CHARS - 1] + "…"


def _clean_items(values: Sequence[object]) -> list[Any]:
    items: list[Any] = []
    room = limits.LOG_VALUE_CHARS
    for position, value in enumerate(values):
        item = clean(value)
        room -= len(str(item)) + 1
        if room < 0 and items:
            items.append(f"+{len(values) - position} more")
            break
        items.append(item)
    return items


def _key(name: object) -> str:
    return _NOT_KEY.sub("_", str(name)[:100]) or "_"


def escaped(text: str) -> str:
    """Return text as a JSON string literal in which every letter is printable."""
    literal = json.dumps(text, ensure_ascii=False)
    return literal if literal.isprintable() else "".join(_printable(letter) for letter in literal)


def _printable(letter: str) -> str:
    return letter if letter.isprintable() else json.dumps(letter)[1:-1].replace("\x7f", "\\u007f")


def logfmt(fields: Mapping[str, object]) -> str:
    """Format fields as ``key=value key="other value"``; quoted values are JSON strings."""
    return " ".join(f"{_key(name)}={_logfmt_value(clean(value))}" for name, value in fields.items())


def _logfmt_value(value: Any) -> str:
    if isinstance(value, dict):
        value = [f"{name}:{inner}" for name, inner in value.items()]
    if isinstance(value, list):
        value = _capped(",".join(str(item) for item in value))
    if isinstance(value, bool):
        value = str(value).lower()
    text = "" if value is None else str(value)
    return text if text and _BARE.fullmatch(text) else escaped(text)


def as_json(fields: Mapping[str, object]) -> str:
    """Format fields as one JSON object; only printable letters stand in it."""
    line = json.dumps(clean(fields), ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=str)
    return line if line.isprintable() else "".join(_printable(letter) for letter in line)


class LineHandler(logging.Handler):
    """Writes each record as one line; `fields` given as an extra of the record follow its text."""

    def __init__(self, settings: Log, timestamps: bool) -> None:
        super().__init__()
        self._format = as_json if settings.format == "json" else logfmt
        self._timestamps = timestamps

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.write(record.levelname.lower(), record.created, self._fields(record))
        except Exception:
            self.handleError(record)

    def _fields(self, record: logging.LogRecord) -> dict[str, object]:
        found = dict(getattr(record, "fields", {}))
        text = record.getMessage()
        start: dict[str, object] = {"event": "log", "msg": text} if text else {}
        if record.exc_info and record.exc_info[1]:
            found |= describe(record.exc_info[1])
        return start | found

    def write(self, level: str, created: float, fields: Mapping[str, object]) -> None:
        start: dict[str, object] = {}
        if self._timestamps:
            start["time"] = datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds")
        start["severity"] = level  # A decision has a level of its own, the score required.
        line = self._format(start | dict(fields)) + "\n"
        os.write(_STANDARD_ERROR, line.encode("utf-8", "backslashreplace"))


def configure(settings: Log) -> None:
    """Send everything that is logged in this process to standard error, in the configured format."""
    handler = LineHandler(settings, timestamps=not _journal_is_standard_error())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)
    logging.raiseExceptions = False
    _logger.setLevel(settings.level.upper())


def _journal_is_standard_error() -> bool:
    """Whether standard error goes to systemd's journal, which keeps the time itself (systemd.exec(5))."""
    stream = os.environ.get("JOURNAL_STREAM", "")
    try:
        status = os.fstat(_STANDARD_ERROR)
    except OSError:
        return False
    return stream == f"{status.st_dev}:{status.st_ino}"


def describe(error: BaseException) -> dict[str, object]:
    """Return what an exception was and where it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    found: dict[str, object] = {"error": f"{type(error).__name__}: {error}".rstrip(": ")}
    if frames:
        found["at"] = f"{frames[-1].filename}:{frames[-1].lineno}"
    return found


def debug(text: str, **fields: object) -> None:
    _logger.debug("%s", text, extra={"fields": fields})


def info(text: str, **fields: object) -> None:
    _logger.info("%s", text, extra={"fields": fields})


def warning(text: str, **fields: object) -> None:
    _logger.warning("%s", text, extra={"fields": fields})


def error(text: str, **fields: object) -> None:
    _logger.error("%s", text, extra={"fields": fields})


def failure(text: str, cause: BaseException, **fields: object) -> None:
    """Log an error together with the exception that caused it."""
    _logger.error("%s", text, extra={"fields": {**fields, **describe(cause)}})


def decision(fields: Mapping[str, object]) -> None:
    """Log the decision line of a message."""
    _logger.info("", extra={"fields": {"event": "decision", **fields}})


def plain(text: str) -> None:
    """Print a line for the person who started the daemon, before or instead of its log."""
    print(f"tamis: {text}", file=sys.stderr, flush=True)
