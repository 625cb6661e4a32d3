"""5,000 real messages to domains in three modes: every copy is delivered or held, none twice, none nowhere.

What is delivered at once carries a score that adds up; what is released has every octet that it came with, the headers
of other filters among them.

What arrived is counted where mail ends, what is held by plain SQL: neither asks the code that decided.
"""

import re
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tamis.message import Message
from tests.endtoend.real_mail import MESSAGES, check_headers, marked, real_messages
from tests.endtoend.site import Site, policies, running

pytestmark = [pytest.mark.servers, pytest.mark.corpora, pytest.mark.slow]

SESSIONS = 8
TRIES = 10
MODES = ("quarantine", "tag", "junk")
# Of five messages two have recipients in several domains.
PLANS = [["quarantine"], ["tag", "tag"], ["junk"], ["quarantine", "tag", "junk"], ["junk", "quarantine", "tag", "junk"]]
_BY_OUTBOX = re.compile(rb"^\tby \S+ \(Tamis [0-9a-f]{16}\) with SMTP id ", re.M)


def recipients(number: int) -> list[str]:
    """Whom a message goes to: addresses that tell which message it is, over and over in another order."""
    plan = PLANS[number % len(PLANS)]
    return [f"m{number}.{place}@{mode}.example" for place, mode in enumerate(plan)]


def send(site: Site, paths: list[Path], start: int) -> int:
    """Send one message of each `SESSIONS`, again where a busy machine asks for that; return how often it did."""
    again = 0
    with site.session() as session:
        for number in range(start, len(paths), SESSIONS):
            mail = (marked(paths[number], number), "sender@sender.example", recipients(number))
            replies = [session.send(*mail)]
            while not replies[-1].accepted:
                assert replies[-1].code == 451, replies
                assert len(replies) < TRIES, replies
                time.sleep(0.1)
                replies.append(session.send(*mail))
            assert not replies[-1].refused
            again += len(replies) - 1
    return again


def arrived(site: Site, first: int = 0) -> Iterable[tuple[str, bool]]:
    """Whom each copy was for, and whether Postfix made it in the first place or the outbox did."""
    for message in site.sink.messages[first:]:
        head = message.content.partition(b"\r\n\r\n")[0]
        number = Message(message.content).header("X-Test-Number")
        for recipient in message.recipients:
            assert recipient.startswith(f"m{number}.")
            yield recipient, _BY_OUTBOX.search(head) is not None


def test_every_copy_is_delivered_or_held(corpora: Path, can_run_postfix: None) -> None:
    paths = real_messages(corpora)
    assert len(paths) == MESSAGES
    sent = [recipient for number in range(MESSAGES) for recipient in recipients(number)]
    settings = {"message_size_limit": "0", "header_size_limit": "1000000", "smtpd_hard_error_limit": "1000"}
    with running(policies("example"), sunk=[f"{mode}.example" for mode in MODES], settings=settings) as site:
        began = time.monotonic()
        with ThreadPoolExecutor(SESSIONS) as pool:
            again = sum(pool.map(lambda start: send(site, paths, start), range(SESSIONS)))
        taken = time.monotonic() - began
        site.settle(600)
        settled = time.monotonic() - began
        assert "a worker ends" not in site.tamis.log_text()
        for message in site.sink.messages:
            check_headers(Message(message.content))
        first = list(arrived(site))
        held = dict(site.rows("SELECT recipient, id FROM copy WHERE state = 'held'"))
        assert Counter(recipient for recipient, _ in first) + Counter(list(held)) == Counter(sent)
        outbox = sum(by_outbox for _, by_outbox in first)
        print(
            f"\n{MESSAGES} messages for {len(sent)} recipients, taken in {taken:.1f} s, settled after {settled:.1f} s: "
            f"{len(first)} copies delivered ({len(first) - outbox} by Postfix itself, {outbox} by the outbox), "
            f"{len(held)} held; {again} asked for again"
        )

        count = site.sink.count
        began = time.monotonic()
        assert set(site.release(*held.values())) == set(held.values())
        site.settle(600)
        seconds = time.monotonic() - began
        released = list(arrived(site, count))
        assert all(by_outbox for _, by_outbox in released)
        assert Counter(recipient for recipient, _ in [*first, *released]) == Counter(sent)
        print(f"{len(released)} released and delivered in {seconds:.1f} s, {len(released) / seconds:.0f} a second")
        assert site.rows("SELECT count(*) FROM copy WHERE state != 'delivered'") == [(0,)]
        assert site.rows("SELECT count(*) FROM counter WHERE name = 'possible_duplicates'") == [(0,)]
