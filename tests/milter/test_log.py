"""Log lines: whatever the wire brings, one line that can be taken apart again."""

import json
import logging
import os
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis import limits
from tamis.milter import log
from tamis.settings import Log

PIECE = re.compile(r'([A-Za-z0-9_.-]+)=("(?:[^"\\]|\\.)*"|[^ "]*)(?: |$)')
SCALAR = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.binary(), st.text(st.characters()))
VALUE = st.one_of(SCALAR, st.lists(SCALAR, max_size=40), st.dictionaries(st.text(max_size=5), SCALAR, max_size=5))
FIELDS = st.dictionaries(st.text(min_size=1, max_size=12), VALUE, max_size=8)


def parse_logfmt(line: str) -> list[tuple[str, str]]:
    """Take a line apart, or fail."""
    found, at = [], 0
    while at < len(line):
        match = PIECE.match(line, at)
        assert match, line[at:]
        value = match.group(2)
        found.append((match.group(1), json.loads(value) if value.startswith('"') else value))
        at = match.end()
    return found


@given(FIELDS)
def test_logfmt_is_one_printable_line_that_can_be_taken_apart(fields: dict[str, Any]) -> None:
    line = log.logfmt(fields)
    assert line.isprintable()
    line.encode("utf-8")
    pieces = parse_logfmt(line)
    assert len(pieces) == len(fields)
    assert all(len(value) <= limits.LOG_VALUE_CHARS for _, value in pieces)


@given(FIELDS)
def test_json_is_one_printable_line_that_can_be_taken_apart(fields: dict[str, Any]) -> None:
    line = log.as_json(fields)
    assert line.isprintable()
    line.encode("utf-8")
    assert isinstance(json.loads(line), dict)


@given(st.text(st.characters(), max_size=limits.LOG_VALUE_CHARS))
def test_short_text_survives(text: str) -> None:
    assert parse_logfmt(log.logfmt({"a": text})) == [("a", text)]
    assert json.loads(log.as_json({"a": text})) == {"a": text}


def test_lists_say_how_much_was_left_out() -> None:
    items = log.clean(["x" * 50] * 10)
    assert items == ["x" * 50] * 5 + ["+5 more"]


@pytest.fixture
def line(capfd: pytest.CaptureFixture[str]) -> Any:
    """Configures the log, and returns what reads the lines written since."""
    before = logging.root.handlers[:], logging.root.level, logging.raiseExceptions

    def lines() -> list[str]:
        return capfd.readouterr().err.splitlines()

    yield lines
    logging.root.handlers[:], level, logging.raiseExceptions = before
    logging.root.setLevel(level)
    logging.captureWarnings(False)


def test_lines_carry_time_severity_and_fields(line: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    log.configure(Log())
    log.info("two words", n=1)
    log.decision({"queue_id": "4ABC", "level": "7.5"})
    log.debug("not shown")
    first, second = line()
    assert re.fullmatch(r'time=\d{4}-\d\d-\d\dT[\d:.]+\+00:00 severity=info event=log msg="two words" n=1', first)
    assert second.endswith(" severity=info event=decision queue_id=4ABC level=7.5")


def test_no_time_where_the_journal_keeps_it(line: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    status = os.fstat(2)
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
    log.configure(Log(format="json", level="debug"))
    log.debug("x")
    assert json.loads(line()[0]) == {"severity": "debug", "event": "log", "msg": "x"}


def test_what_other_modules_log_is_one_line_too(line: Any) -> None:
    log.configure(Log())
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        log.failure("failed", error, id="1")
        logging.getLogger("tamis").exception("%s", "said\nso")
    logging.getLogger("elsewhere").warning("x")
    first, second, third = line()
    assert 'error="ValueError: two\\nlines" at=' in first
    assert 'msg="said\\nso" error=' in second
    assert "severity=warning" in third
