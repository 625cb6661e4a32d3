"""5,000 real messages to domains in three modes: every copy is delivered or held, none twice, none nowhere.

Every copy that arrives, at once or by release, carries a score that adds up.

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
MODES = ("quarantine", "tag", "junk")
# Of five messages two have recipients in several domains.
PLANS = [["quarantine"], ["tag", "tag"], ["junk"], ["quarantine", "tag", "junk"], ["junk", "quarantine", "tag", "junk"]]
_BY_OUTBOX = re.compile(rb"^\tby \S+ \(Tamis [0-9a-f]{16}\) with SMTP id ", re.M)


def recipients(number: int) -> list[str]:
    """Whom a message goes to: addresses that tell which message it is, over and over in another order."""
    plan = PLANS[number % len(PLANS)]
    return [f"m{number}.{place}@{mode}.example" for place, mode in enumerate(plan)]


def send(site: Site, paths: list[Path], start: int) -> int:
    accepted = 0
    with site.session() as session:
        for number in range(start, len(paths), SESSIONS):
            reply = session.send(marked(paths[number], number), "sender@sender.example", recipients(number))
            accepted += reply.accepted and not reply.refused
    return accepted


def arrived(site: Site, first: int = 0) -> Iterable[tuple[str, bool]]:
    """Whom each copy was for, and whether Postfix made it in the first place or the outbox did."""
    for message in site.sink.messages[first:]:
        head = message.content.partition(b"\r\n\r\n")[0]
        parsed = Message(message.content)
        check_headers(parsed)
        number = parsed.header("X-Test-Number")
        for recipient in message.recipients:
            assert recipient.startswith(f"m{number}.")
            yield recipient, _BY_OUTBOX.search(head) is not None


def test_every_copy_is_delivered_or_held(corpora: Path, can_run_postfix: None) -> None:
    paths = real_messages(corpora)
    assert len(paths) == MESSAGES
    sent = [recipient for number in range(MESSAGES) for recipient in recipients(number)]
    settings = {"message_size_limit": "0", "header_size_limit": "1000000"}
    with running(policies("example"), sunk=[f"{mode}.example" for mode in MODES], settings=settings) as site:
        began = time.monotonic()
        with ThreadPoolExecutor(SESSIONS) as pool:
            assert sum(pool.map(lambda start: send(site, paths, start), range(SESSIONS))) == MESSAGES
        taken = time.monotonic() - began
        site.settle(600)
        settled = time.monotonic() - began
        first = list(arrived(site))
        held = dict(site.rows("SELECT recipient, id FROM copy WHERE state = 'held'"))
        assert Counter(recipient for recipient, _ in first) + Counter(list(held)) == Counter(sent)
        outbox = sum(by_outbox for _, by_outbox in first)
        print(
            f"\n{MESSAGES} messages for {len(sent)} recipients, taken in {taken:.1f} s, settled after {settled:.1f} s: "
            f"{len(first)} copies delivered ({len(first) - outbox} by Postfix itself, {outbox} by the outbox), "
            f"{len(held)} held"
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
