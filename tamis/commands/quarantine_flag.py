"""`tamis quarantine flag`: what a person took for spam, its peer cannot bring again (row 8), nor anybody its images.

The classifier learns it, too."""

import argparse
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Final

from tamis import limits
from tamis.commands.common import UsageError, caller, load_config
from tamis.commands.quarantine_common import add_action, open_store, some_copies
from tamis.content_digest import content_digest
from tamis.images.learning import images_to_learn
from tamis.images.own_pool import OwnReaders
from tamis.images.store import ImageStore
from tamis.learning.journal import Journal
from tamis.learning.teaching import Reporter, Source, taught_by
from tamis.list_store import ListStore
from tamis.lists import PLATFORM, ListName, flagged_value, recipient_domain
from tamis.mail import parse_ip
from tamis.message import Message
from tamis.privileges import become_service_user

_DAYS: Final = 30
_PATIENCE_SECONDS: Final = 60.0


def add_to(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the action."""
    text = f"take the same content from the same peer for spam, for {_DAYS} days (row 8), and learn it and its images"
    sub = add_action(actions, "flag", text, _flag)
    sub.add_argument("id", nargs="+", metavar="ID", help="16 hexadecimal digits of a message")
    sub.add_argument("--domain", default=PLATFORM, help="for this recipient domain alone (default: for all)")
    sub.add_argument("--by", help="who (default: the user who calls)")
    sub.add_argument("--note", default="", help="why")


def _flag(args: argparse.Namespace) -> int:
    config, by = load_config(args), args.by or caller()
    domain = recipient_domain(args.domain) if args.domain else PLATFORM
    become_service_user(config)
    expires = datetime.now(UTC) + timedelta(days=_DAYS)
    values = [(name, *_value(args, name)) for name in args.id]
    with closing(OwnReaders(config.settings.images, limits.IMAGE_LEARN_SECONDS)) as readers:
        for name, value, content in values:
            note = args.note or name
            new = ListStore(config.database_url).add(ListName.FLAGGED, value, domain, by, expires, note)
            print(f"{name}: {'flagged' if new else 'flagged again'}, until {expires:%Y-%m-%d %H:%M} UTC")
            teacher = Reporter(by, Source.ADMINISTRATOR, domain)
            Journal(config.database_url).learn(teacher, [taught_by(content, spam=True)])
            # Known images are known for everybody, which one domain cannot ask for.
            found = images_to_learn(content, readers, seconds=_PATIENCE_SECONDS)[0] if domain == PLATFORM else []
            if found:
                learned = ImageStore(config.database_url).learn(found, by, note)
                print(f"{name}: {len(found)} of its images learned, {learned} of them new (tamis image list)")
    return 0


def _value(args: argparse.Namespace, name: str) -> tuple[str, Message]:
    """Return the entry for a message, and the message. Raises `UsageError` where nothing or no peer can be compared."""
    from tamis.quarantine.queries import whole

    store = open_store(load_config(args))
    with store.reading() as connection:
        copies = some_copies(connection, name)
        assert connection is not None
        message = whole(connection, copies).row
    peer = parse_ip(message["peer"])
    if peer is None:
        raise UsageError(f"{name}: the host that brought it is not known")
    try:
        with store.spool.open(message["digest"]) as file:
            content = Message(file.read(limits.MESSAGE_BYTES), message["size"])
    except FileNotFoundError:
        raise UsageError(f"{name}: its content has been deleted") from None
    digest = content_digest(content)
    if content.capped or digest is None:
        raise UsageError(f"{name}: nothing in it can be compared with other messages")
    return flagged_value(peer, digest), content
