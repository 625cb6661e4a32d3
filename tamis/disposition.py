"""What becomes of each recipient's copy of a message: which the MTA delivers, which is made anew, which is held.

The largest group of recipients whose copies are alike stays in the MTA's own queue. Recipients whose copies differ
from it get one of their own; a different level alone parts nobody (SPEC, sections 3 and 5).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tamis.destinations import Destination, DestinationUnknown
from tamis.headers import Changes, copy_changes, fields
from tamis.record import Record, Verdict
from tamis.settings import Headers
from tamis.telling import Telling, of_message

Resolve = Callable[[Iterable[str]], Mapping[str, Destination | DestinationUnknown]]
"""Tells where the mail of each recipient goes, or why that is not known."""


@dataclass(frozen=True, slots=True)
class Group:
    """Recipients whose copies are alike. `legs`: where their copies go in place of their addresses."""

    verdicts: tuple[Verdict, ...]
    changes: Changes
    legs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """One recipient's held copy: the fields that are written above it when it is released, and its legs."""

    verdict: Verdict
    fields: tuple[tuple[str, str], ...]
    legs: tuple[str, ...] = ()


@dataclass(slots=True)
class Disposition:
    """`stay`: delivered by the MTA with these changes; `parted`: copies made anew; `held`: kept."""

    stay: Group | None = None
    parted: list[Group] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    learn_as_spam: bool = False
    """Whether what is held may be learned as spam without anybody having looked at it."""
    telling: Telling = Telling.NOT_HELD
    """Whether the sender of what is held may be told of it."""

    @property
    def keeps(self) -> bool:
        """Whether something must be written before the MTA may be told that all is well."""
        return bool(self.parted or self.held)

    @property
    def removed(self) -> list[str]:
        """The recipients that the MTA does not deliver to, in order of appearance."""
        kept = {verdict.recipient for verdict in self.stay.verdicts} if self.stay else set()
        others = [verdict for group in self.parted for verdict in group.verdicts] + [held.verdict for held in self.held]
        return list(dict.fromkeys(verdict.recipient for verdict in others if verdict.recipient not in kept))


@dataclass(frozen=True, slots=True)
class _Share:
    verdict: Verdict
    legs: tuple[str, ...] = ()


def dispose(record: Record, names: Headers, resolve: Resolve) -> Disposition:
    """Part the recipients of an inbound message by what their verdicts ask for."""
    if not record.verdicts:
        return Disposition(stay=Group((), Changes()))
    asked = [verdict.recipient for verdict in record.verdicts if _stays_here(verdict)]
    destinations = resolve(asked) if asked else {}
    shares = [share for verdict in record.verdicts for share in _shares(verdict, destinations.get(verdict.recipient))]
    result = Disposition(learn_as_spam=record.learn_as_spam)
    groups: dict[object, list[_Share]] = {}
    for share in shares:
        if share.verdict.action == "hold":
            written = tuple(fields(record, [share.verdict], names))
            result.held.append(Held(share.verdict, written, share.legs))
        else:
            groups.setdefault(_alike(share) if len(shares) > 1 else None, []).append(share)
    if result.held:
        result.telling = Telling.TRAP if record.traps else of_message(record.mail, record.authentication)
    stay = max((group for group in groups.values() if not group[0].legs), key=len, default=None)
    for group in groups.values():
        made = _group(record, group, names)
        if group is stay:
            result.stay = made
        else:
            result.parted.append(made)
    return result


def _group(record: Record, shares: Sequence[_Share], names: Headers) -> Group:
    verdicts = tuple(share.verdict for share in shares)
    return Group(verdicts, copy_changes(record, verdicts, names), shares[0].legs)


def _alike(share: _Share) -> object:
    """What two recipients must have in common to share a copy: all that is written but level and ground."""
    verdict = share.verdict
    action = "deliver" if verdict.action == "observe" and not verdict.spam else verdict.action
    return (
        action,
        verdict.tagged,
        verdict.spam,
        verdict.row.name if verdict.row else "",
        verdict.test,
        verdict.let_through,
        verdict.score,
        verdict.score_headers,
        tuple(test for test in verdict.tests if test[1]),
        # A copy to legs is one recipient's alone.
        (verdict.recipient, share.legs) if share.legs else (),
    )


def _stays_here(verdict: Verdict) -> bool:
    """Whether it is spam that goes to mailboxes, and must not go on to other hosts as it is."""
    return verdict.action == "junk" or (verdict.action == "tag" and not verdict.tag_redirections)


def _shares(verdict: Verdict, destination: Destination | DestinationUnknown | None) -> list[_Share]:
    """One recipient's share, or two where what goes to a mailbox must not go on to other hosts."""
    if destination is None:
        return [_Share(verdict)]
    if isinstance(destination, DestinationUnknown):
        return [_Share(replace(verdict, action="hold", because=f"{verdict.because}; {destination}"))]
    if not destination.outward:
        return [_Share(verdict)]
    away = replace(verdict, action="tag" if verdict.tag_redirections else "hold")
    if not destination.local:
        return [_Share(away)]
    return [_Share(verdict, destination.local), _Share(away, destination.outward)]
