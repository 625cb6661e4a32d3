"""What became of each message: found again in the Maildir by the queue id in Postfix's Received: line."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from demo.samples import Sample
from tamis.message import Message
from tamis.postfix.client import SmtpReply
from tamis.postfix.maildir import Delivery

_QUEUE_ID = re.compile(rb"^Received:[^\n]*\n[ \t]+by [^\n]* \(Postfix\) with \S+ id ([0-9A-Za-z]+)", re.M)
_FIRST_QUEUE_ID = re.compile(rb"^[ \t]+by [^\n]* \(Tamis [0-9a-f]{16}\) with SMTP id ([0-9A-Za-z]+)", re.M)
_SEMICOLON = re.compile(r";\s*(?=[a-z]+=)")


@dataclass(frozen=True, slots=True)
class Held:
    """One recipient's copy that is held, and the ground."""

    id: str
    queue_id: str
    recipient: str
    row: str
    row_name: str
    because: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A message, the answer to it, its copies that arrived, and those that are held."""

    sample: Sample
    reply: SmtpReply
    arrived: tuple[Delivery, ...]
    held: tuple[Held, ...] = ()

    @property
    def kind(self) -> str:
        """How it ended: one of `KINDS`."""
        if not self.reply.accepted:
            return "lost" if self.reply.code == 0 else "deferred" if self.reply.code < 500 else "refused"
        if len(self.arrived) + len(self.held) + len(self.reply.refused) < len(self.sample.recipients):
            return "lost"
        if self.held:
            return "parted" if self.arrived else "held"
        if self.sample.login:
            return "outgoing"
        words = self.verdict.split(";")
        if "action=tag" in self.verdict:
            return "tagged"
        if "action=junk" in self.verdict:
            return "junk"
        return "ham" if words[0] == "ham" else "observed" if self.verdict else "unfiltered"

    @property
    def accounted_for(self) -> bool:
        """Whether it is known what became of it, and Tamis saw it if it had to."""
        return self.kind not in ("lost", "unfiltered")

    @property
    def copy(self) -> Message | None:
        """The first copy that arrived, without what delivery itself put above it."""
        return Message(self.arrived[0].content) if self.arrived else None

    def field(self, name: str) -> str:
        """A header field of what arrived, unfolded; empty where there is none."""
        value = self.copy.header(name) if self.copy else None
        return " ".join((value or "").split())

    @property
    def verdict(self) -> str:
        """X-Tamis-Verdict without our id of the message."""
        return re.sub(r";\s*id=[0-9a-f]+$", "", self.field("X-Tamis-Verdict"))

    @property
    def verdict_lines(self) -> list[str]:
        """The verdict for a narrow column: one line for the judgement, one for the row, one for the reason."""
        pieces = dict(piece.partition("=")[::2] for piece in _SEMICOLON.split(self.verdict)[1:])
        first = f"{self.verdict.partition(';')[0]}, {pieces.get('action', '')}"
        row = f"row {pieces['row']}" if "row" in pieces else ""
        because = pieces.get("because", "").strip('"').replace('\\"', '"').replace("\\\\", "\\")
        return [line for line in (first, row, because) if line]


_DELIVERED = {
    "ham": "as ham",
    "tagged": "tagged",
    "junk": "for the Junk folder",
    "observed": "only observed",
    "outgoing": "untouched, outgoing",
}
_OTHERWISE = {
    "held": "held",
    "parted": "held for some and delivered to others",
    "refused": "refused",
    "deferred": "refused for now",
    "unfiltered": "delivered without being filtered",
    "lost": "not found again",
}
KINDS = {**{kind: f"delivered {words}" for kind, words in _DELIVERED.items()}, **_OTHERWISE}
"""Every way for a message to end, in words."""


def match(
    sent: Sequence[tuple[Sample, SmtpReply]], deliveries: Sequence[Delivery], held: Sequence[Held] = ()
) -> list[Outcome]:
    """Find the copies of each message that was sent."""
    copies: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        # A copy made anew has come through Postfix twice; Tamis says by which name it came first.
        found = _FIRST_QUEUE_ID.search(delivery.content) or _QUEUE_ID.search(delivery.content)
        copies.setdefault(found.group(1).decode() if found else "", []).append(delivery)
    kept: dict[str, list[Held]] = {}
    for one in held:
        kept.setdefault(one.queue_id, []).append(one)
    return [
        Outcome(sample, reply, tuple(copies.get(reply.queue_id or "-", ())), tuple(kept.get(reply.queue_id or "-", ())))
        for sample, reply in sent
    ]


def closing_line(outcomes: Sequence[Outcome]) -> str:
    """Return how many messages were sent and what became of them."""
    counts = Counter(outcome.kind for outcome in outcomes)
    delivered = sum(counts[kind] for kind in _DELIVERED)
    kinds = "; ".join(f"{counts[kind]} {words}" for kind, words in _DELIVERED.items() if counts[kind])
    ended = [f"{delivered} delivered" + (f" ({kinds})" if kinds else "")]
    ended += [f"{counts[kind]} {words}" for kind, words in _OTHERWISE.items() if counts[kind]]
    accounted = sum(1 for outcome in outcomes if outcome.accounted_for)
    return f"{len(outcomes)} messages sent, {accounted} accounted for: {', '.join(ended)}"
