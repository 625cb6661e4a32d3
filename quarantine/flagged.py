"""What honeypots and people flagged, of the mail that is held: to propose rules from. Only reads."""

from collections.abc import Collection, Iterator
from datetime import datetime

from sqlalchemy import Connection, select

from tamis import limits
from tamis.content_digest import content_digest
from tamis.lists import flagged_value
from tamis.mail import parse_ip
from tamis.message import Message
from tamis.quarantine.records import NEEDS_CONTENT
from tamis.quarantine.spool import Spool
from tamis.quarantine.tables import COPY, MESSAGE

_HONEYPOT: str = "13"


def flagged(
    connection: Connection, spool: Spool, since: datetime, values: Collection[str], most: int
) -> Iterator[Message]:
    """Yield messages received since then (UTC) that traps got, or whose peer and content stand in `values`.

    The newest first, each content once, at most `most`. What has gone from the spool is passed over.
    """
    query = (
        select(MESSAGE.c.digest, MESSAGE.c.peer, COPY.c.row)
        .join(COPY, COPY.c.message_id == MESSAGE.c.id)
        .where(MESSAGE.c.received_at >= since, COPY.c.state.in_(NEEDS_CONTENT))
        .order_by(MESSAGE.c.received_at.desc())
    )
    taken: set[str] = set()
    for digest, peer, row in connection.execute(query):
        if len(taken) >= most:
            return
        if digest in taken or not (row == _HONEYPOT or values):
            continue
        message = _message(spool, digest)
        if message is not None and (row == _HONEYPOT or _is_flagged(message, peer, values)):
            taken.add(digest)
            yield message


def _message(spool: Spool, digest: str) -> Message | None:
    try:
        with spool.open(digest) as file:
            return Message(file.read(limits.MESSAGE_BYTES))
    except FileNotFoundError:
        return None


def _is_flagged(message: Message, peer: str, values: Collection[str]) -> bool:
    address, digest = parse_ip(peer), content_digest(message)
    return address is not None and digest is not None and flagged_value(address, digest) in values
