"""Hits that a message alone leads to are found once for the same message, recipients and options."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tamis.config import parse
from tamis.contract import Context, Filter, FilterOptions, Hit, Stage
from tamis.examination import Examination, Snapshot
from tamis.filters import malformed_headers, surbl
from tamis.lists import Lists
from tamis.mail import Mail
from tamis.policy import Policies
from tamis.record import Record
from tamis.testing import mail
from tests.core.probes import Memory, Place

TEXT = """\
From: PayPal Service <ann@example.net>
To: Bob <bob@example.org>
Subject: hello
Content-Type: text/html

<p>Look at <a href="http://paypa1.example.net/">www.paypal.com</a></p>
"""


class Lasting(Filter):
    """Counts how often it is asked what lasts, and says it after what does not."""

    stage = Stage.MESSAGE
    tests = {"LASTS": "", "NOW": ""}
    scores = True

    class Options(FilterOptions, frozen=True):
        pass

    def __init__(self, key: bytes | None = b"key", fails: bool = False) -> None:
        self.found = self.checked = 0
        self._key, self._fails = key, fails

    def lasting_key(self, mail: Mail, options: Any) -> bytes | None:
        return self._key

    def lasting(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        self.found += 1
        if self._fails:
            raise RuntimeError("no")
        yield Hit("LASTS", " ".join(ctx.recipients), domain=ctx.recipients[0].rpartition("@")[2], amount=0.5)

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        self.checked += 1
        yield Hit("NOW", "now", amount=0.25)
        yield from self.kept(mail, ctx)


def examine(cache: Memory, recipients: Sequence[str] = ("bob@example.org",), more: str = "") -> Record:
    snapshot = Snapshot(Policies(parse(more, "x")), Lists(()), None)
    return Examination(mail(TEXT, recipients=recipients), snapshot, cache).run()


def said(record: Record, row: str = "empty-mail") -> tuple[Hit, ...]:
    return next(answer.hits for answer in record.answers if answer.row.name == row)


def test_found_once_while_the_row_is_asked_again(place: Place) -> None:
    probe, cache = Lasting(), Memory()
    place(empty_mail=probe)
    first, second = examine(cache), examine(cache)
    assert said(first) == said(second)
    assert [hit.name for hit in said(first)] == ["NOW", "LASTS"]
    assert (probe.found, probe.checked) == (1, 2)
    assert not any(answer.cached for answer in second.answers if answer.row.name == "empty-mail")
    assert cache.fetched == [cache.fetched[0]] * 2


def test_others_have_others(place: Place) -> None:
    probe, cache = Lasting(), Memory()
    place(empty_mail=probe)
    for recipients in (["bob@example.org"], ["eve@example.org"], ["bob@example.org", "eve@example.org"]):
        assert said(examine(cache, recipients))[1].because == " ".join(recipients)
        assert said(examine(cache, recipients))[1].because == " ".join(recipients)
    assert probe.found == 3


def test_nothing_is_kept_without_a_key(place: Place) -> None:
    probe, cache = Lasting(key=None), Memory()
    place(empty_mail=probe)
    assert said(examine(cache)) == said(examine(cache))
    assert probe.found == 2


def test_what_fails_is_not_kept(place: Place) -> None:
    probe, cache = Lasting(fails=True), Memory()
    place(empty_mail=probe)
    for _ in range(2):
        (answer,) = (one for one in examine(cache).answers if one.row.name == "empty-mail")
        assert (answer.error, answer.hits) == (True, ())
    assert probe.found == 2


def test_what_cannot_be_read_is_found_anew(place: Place) -> None:
    probe, cache = Lasting(), Memory()
    place(empty_mail=probe)
    first = examine(cache)
    cache.known = dict.fromkeys(cache.known, b"\xff")
    assert said(examine(cache)) == said(first)
    assert probe.found == 2


def test_a_recipient_in_octets_that_are_no_text(place: Place) -> None:
    probe, cache = Lasting(), Memory()
    place(empty_mail=probe)
    recipients = ["bob@\udcff.example"]
    assert said(examine(cache, recipients)) == said(examine(cache, recipients))
    assert not any(answer.error for answer in examine(cache, recipients).answers)


@pytest.mark.parametrize(("row", "test"), [("surbl", "LINK_SHOWN_BRAND"), ("malformed-headers", "FROM_NAME_BRAND")])
def test_signs_of_phishing_last(monkeypatch: pytest.MonkeyPatch, row: str, test: str) -> None:
    cache = Memory()
    first = said(examine(cache), row)
    assert test in [hit.name for hit in first]

    def gone(*_: object) -> None:
        raise AssertionError("asked again")

    monkeypatch.setattr(surbl.link_signs, "found_in", gone)
    monkeypatch.setattr(malformed_headers.author_signs, "found_in", gone)
    assert said(examine(cache), row) == first
    assert said(examine(cache, ["eve@example.org"]), row) == ()


def test_users_are_looked_up_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    cache, asked = Memory(), []
    found_in = malformed_headers.author_signs.found_in

    def counted(*arguments: Any) -> Any:
        asked.append(arguments)
        return found_in(*arguments)

    monkeypatch.setattr(malformed_headers.author_signs, "found_in", counted)
    for _ in range(2):
        examine(cache, more="[policy.filters]\nmalformed-headers.protect_users = true\n")
    assert len(asked) == 2
