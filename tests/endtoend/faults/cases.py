"""One fault: messages are held, copied, released and expired around it, and then every copy is looked for."""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from tests.endtoend.faults.mta import STRANGER, Letter
from tests.endtoend.faults.world import HELD, RECIPIENTS, World, wait_until

WITH_THE_MAIL = ("spool", "hold", "send")
"""Points that are reached by mail that comes; the others need a command."""
BETWEEN_DOT_AND_RECORD = ("send.before-dot", "send.accepted")


@dataclass(frozen=True)
class Outcome:
    """A line of the table: what the client was answered, how commands failed, what came twice and what was counted."""

    point: str
    victim: str
    answers: Counter[int]
    failures: Counter[str]
    twice: int
    counted: int

    def __str__(self) -> str:
        answers = " ".join(f"{code or 'broken'}×{number}" for code, number in sorted(self.answers.items()))
        failures = " ".join(f"{name}×{number}" for name, number in sorted(self.failures.items())) or "-"
        return f"{self.point:18} {self.victim:12} {answers:24} {failures:24} {self.twice:5} {self.counted:7}"


HEAD = f"{'point':18} {'killed':12} {'answers':24} {'commands that failed':24} twice counted"


def run(world: World, point: str, victim: str, fault: AbstractContextManager[None]) -> Outcome:
    """Send, release, expire and delete, with `fault` where its point is reached, and look for every copy."""
    early = point.partition(".")[0] in WITH_THE_MAIL
    counted = world.ledger.possible_duplicates()
    released, expired, removed, kept = letters = [Letter(RECIPIENTS) for _ in range(4)]
    with fault if early else nullcontext():
        sending = world.send(*letters)
        sending.wait()
        world.wait_quiet()
    with nullcontext() if early else fault:
        failures = commands(world, released, expired, removed)
        world.wait_quiet()
    fates, twice = world.ledger.fates(letters)
    for letter, state in ((released, "delivered"), (expired, "expired"), (removed, "deleted"), (kept, "held")):
        assert fates.pop((letter.marker, HELD)) == state
    assert set(fates.values()) == {"delivered"}
    counted = world.ledger.possible_duplicates() - counted
    assert twice <= counted
    # Whoever takes others down with it may hit another copy that is between its dot and the record.
    if victim == "itself" and point not in BETWEEN_DOT_AND_RECORD:
        assert (twice, counted) == (0, 0)
    return Outcome(point, victim, sending.answers, failures, twice, counted)


def commands(world: World, released: Letter, expired: Letter, removed: Letter) -> Counter[str]:
    """What people and time do to held mail, until it is done; return what failed meanwhile."""
    world.age(expired, 31)
    failures = world.insist("release", world.held([released]))
    failures += world.insist("expire", 30)
    return failures + world.insist("remove", world.held([removed]))


def turn_away(world: World, trouble: Callable[[], AbstractContextManager[None]], size: int = 0) -> None:
    """Where nothing can be held, spam is asked for again, and held afterwards; what all get alike goes on as ever."""
    spam, ham = Letter(RECIPIENTS, padding=size), Letter(RECIPIENTS, peer=STRANGER, padding=size)
    tagged = Letter(RECIPIENTS[1:2], padding=size)
    with trouble():
        world.send(ham, tagged).wait()
        sending = world.send(spam)
        wait_until(lambda: spam.answers[451] > 1, "spam was not turned away")
        assert spam.answers[250] == 0
    sending.wait()
    world.wait_quiet()
    assert set(ham.answers) == set(tagged.answers) == {250}
    fates, twice = world.ledger.fates([spam, ham, tagged])
    assert fates.pop((spam.marker, HELD)) == "held"
    assert set(fates.values()) == {"delivered"}
    assert twice == 0
    for letter, words in ((ham, (b"Subject: offer\r\n", b"Verdict: ham;")), (tagged, (b"Subject: SPAM: offer\r\n",))):
        for content in world.ledger.arrived(letter):
            header, _, body = content.partition(b"\r\n\r\n")
            assert body == letter.octets.partition(b"\r\n\r\n")[2]
            assert all(word in header for word in words)
