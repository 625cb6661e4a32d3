"""What the keeper does for held mail: sends the outbox, ends what has been held long enough, gives the disk back."""

from typing import Final

from tamis import limits
from tamis.config import Config
from tamis.images.client import SocketReaders
from tamis.images.learning import images_to_learn
from tamis.images.pool_process import socket_path
from tamis.images.store import ImageStore
from tamis.message import Message
from tamis.quarantine import transitions, trap_learning
from tamis.quarantine.digest_task import DigestTask
from tamis.quarantine.notice_task import NoticeTask
from tamis.quarantine.sender import Sender
from tamis.quarantine.spool import Spool
from tamis.quarantine.store import Store
from tamis.tasks import Task

_SEND_SECONDS: Final = 0.25
_NOTICE_SECONDS: Final = 2.0
_MAILBOX_SECONDS: Final = 30.0
_DIGEST_SECONDS: Final = 300.0
_LEARN_SECONDS: Final = 2.0
_EXPIRE_SECONDS: Final = 600.0
_SWEEP_SECONDS: Final = 6 * 3600.0


def tasks(config: Config) -> list[Task]:
    """Return the tasks; called in the keeper's process."""
    settings = config.settings
    store = Store(config.database_url, Spool(config.spool_folder))
    sender = Sender(store, settings.delivery)
    readers = SocketReaders(socket_path(config), limits.IMAGE_LEARN_SECONDS)
    images = ImageStore(config.database_url)
    notices = NoticeTask(config, store)
    recipients = DigestTask(config, store)

    def send() -> None:
        # A site that never held anything gets no database for the sake of an empty outbox.
        if store.exists():
            sender.send_due()

    def expire() -> None:
        if not store.exists():
            return
        transitions.expire(store, settings.quarantine.days)
        transitions.forget(store, settings.quarantine.history_days)
        transitions.collect(store, transitions.unneeded(store))
        notices.forget()
        recipients.forget()

    def sweep() -> None:
        if not store.exists():
            return
        store.spool.prepare()
        store.spool.sweep()
        transitions.collect(store, transitions.orphans(store))

    def learn() -> None:
        if store.exists():
            trap_learning.learn(store, learn_images)

    def learn_images(contents: list[bytes]) -> None:
        found = [images_to_learn(Message(content), readers)[0] for content in contents]
        if any(found):
            images.learn_from_traps(found)

    return [
        Task("outbox", _SEND_SECONDS, send),
        Task("notices", _NOTICE_SECONDS, notices.run),
        Task("mailboxes", _MAILBOX_SECONDS, recipients.refresh),
        Task("digests", _DIGEST_SECONDS, recipients.run),
        Task("traps", _LEARN_SECONDS, learn),
        Task("expire", _EXPIRE_SECONDS, expire),
        Task("spool", _SWEEP_SECONDS, sweep),
    ]
