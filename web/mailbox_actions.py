"""What a recipient does to held mail of its own. Its choices hold for its own addresses alone (SPEC, section 5)."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from tamis.addresses import domain_of
from tamis.content_digest import content_digest
from tamis.learning.journal import Journal
from tamis.learning.teaching import Reporter, Source, lesson
from tamis.list_store import ListStore
from tamis.lists import BadEntry, ListName, flagged_value
from tamis.mail import parse_ip
from tamis.quarantine import transitions
from tamis.quarantine.queries import Found, whole
from tamis.sender_weights import Event
from tamis.web import preview
from tamis.web.house import House
from tamis.weight_store import Lesson

Action = Callable[[House, str, Sequence[Found]], int]
"""Does something to held copies of a mailbox, and returns to how many."""
_FLAGGED: Final = timedelta(days=30)


def _by(mailbox: str) -> str:
    return f"{mailbox}, on its page"


def _release(house: House, mailbox: str, chosen: Sequence[Found]) -> int:
    """Malware stays held: an administrator alone releases it."""
    settings = house.config.settings
    lesson = Lesson(Event.RELEASE, settings.autowhitelist.half_life_days)
    ids = [copy.id for copy in chosen]
    return len(transitions.release(house.store, ids, _by(mailbox), settings.headers.whitelisted, lesson=lesson))


def _allow(house: House, mailbox: str, chosen: Sequence[Found]) -> int:
    _list(house, mailbox, ListName.WHITELIST_SENDER, [copy for copy in chosen if not copy.malware])
    return _release(house, mailbox, chosen)


def _delete(house: House, mailbox: str, chosen: Sequence[Found]) -> int:
    return len(transitions.remove(house.store, [copy.id for copy in chosen], _by(mailbox)))


def _block(house: House, mailbox: str, chosen: Sequence[Found]) -> int:
    _list(house, mailbox, ListName.BLACKLIST_SENDER, chosen)
    return _delete(house, mailbox, chosen)


def _report(house: House, mailbox: str, chosen: Sequence[Found]) -> int:
    """Flag the content, with the peer that brought it: brought again it is spam for the same recipient (row 8).

    The classifier learns it as spam, as a recipient's word for its own domain.
    """
    number = 0
    for copy in chosen:
        with house.store.transaction() as connection:
            digest = whole(connection, [copy]).row["digest"]
        content, peer = preview.read(house.store, digest), parse_ip(copy.peer)
        if content is None:
            continue
        number += 1
        if not copy.malware:
            reporter = Reporter(_by(mailbox), Source.RECIPIENT, domain_of(copy.recipient))
            Journal(house.config.database_url).learn(reporter, [lesson(content.raw, spam=True)])
        flagged = content_digest(content) if not content.capped else None
        if flagged is not None and peer is not None:
            expires, value = datetime.now(UTC) + _FLAGGED, flagged_value(peer, flagged)
            lists = ListStore(house.config.database_url)
            lists.add(ListName.FLAGGED, value, copy.recipient, _by(mailbox), expires, copy.message_id)
    return number


def _list(house: House, mailbox: str, name: ListName, chosen: Sequence[Found]) -> None:
    """Put the senders of copies on a list of the addresses that these were sent to; the null sender has none."""
    lists = ListStore(house.config.database_url)
    for recipient, sender in sorted({(copy.recipient, copy.sender) for copy in chosen if "@" in copy.sender}):
        try:
            lists.add(name, sender, recipient, _by(mailbox))
        except BadEntry:
            continue


ACTIONS: Final[dict[str, Action]] = {
    "release": _release,
    "allow": _allow,
    "delete": _delete,
    "block": _block,
    "report": _report,
}
