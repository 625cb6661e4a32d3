"""Make the pictures of the pages for the docs: `python -m tests.web.pictures`.

Real pages over a database of examples, in Debian's Chromium. Text is rendered by the fonts of the machine.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn
from sqlalchemy import insert, update

from tamis.config import Config, parse
from tamis.filters.order import BY_NAME
from tamis.notice_tables import MAILBOX
from tamis.postfix.ports import free_ports
from tamis.quarantine.spool import Spool
from tamis.quarantine.store import Store
from tamis.quarantine.tables import COPY, MESSAGE
from tamis.secret import read_secret
from tamis.telling import Telling
from tamis.tokens import Purpose, Tokens
from tamis.web.app import create_app
from tamis.web.command import listening
from tests.quarantine.held import copy, hold
from tests.web.browser import Browser, chromium

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
CLAIRE = "claire@example.org"
NOW = datetime(2026, 3, 9, 8, 12)
HELD = [
    ("Votre compte sera suspendu", "security@bank.example", "spf", CLAIRE, "203.0.113.80"),
    ("Lunch on Thursday?", "ann@partner.example", "reverse-dns", CLAIRE, "192.0.2.14"),
    ("-70 % sur toutes les montres", "promo@shop.example", "surbl", "sales@example.org", "203.0.113.9"),
    ("Invoice 2026-0311", "billing@vendor.example", "antivirus-1", CLAIRE, "203.0.113.44"),
    ("You have won", "win@lottery.example", "bayes", CLAIRE, "198.51.100.7"),
]
PAGE = (
    "Subject: Lunch on Thursday?\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    "Content-Type: text/html; charset=utf-8\r\n\r\n<h2>Lunch on Thursday?</h2><p>Dear Claire,</p><p>we are in town on "
    "Thursday, and would like to see you. Shall we meet at noon? The menu is enclosed.</p><p>Best regards<br>Ann</p>"
    '<script>alert("nothing runs")</script><img src="https://elsewhere.example/nothing-is-fetched.png">\r\n--b\r\n'
    'Content-Type: application/pdf\r\nContent-Disposition: attachment; filename="menu.pdf"\r\n\r\n%PDF\r\n--b--\r\n'
)


def fill(store: Store) -> list[str]:
    """Hold the examples; return the ids of their copies, the newest first."""
    names = []
    for number, (subject, sender, row, recipient, peer) in enumerate(HELD):
        told = Telling.SENT if sender.endswith("partner.example") else Telling.UNPROVED
        raw = PAGE if told is Telling.SENT else f"Subject: {subject}\r\n\r\n{subject}\r\n"
        malware = row.startswith("antivirus")
        values = {"subject": subject, "author": sender, "sender": sender, "sender_key": sender, "peer": peer}
        held = copy(recipient, row=BY_NAME[row], malware=malware)
        rdns = "" if row == "reverse-dns" else f"mail.{sender.rpartition('@')[2]}"
        names.append(hold(store, held, raw=raw.encode(), telling=told, rdns=rdns, **values))
        moment = NOW - timedelta(hours=5 * number, minutes=7 * number)
        with store.transaction() as connection:
            connection.execute(update(COPY).where(COPY.c.message_id == names[-1]).values(held_at=moment))
            connection.execute(update(MESSAGE).where(MESSAGE.c.id == names[-1]).values(received_at=moment))
    with store.transaction() as connection:
        for recipient in (CLAIRE, "sales@example.org"):
            found = {"recipient": recipient, "mailbox": CLAIRE, "found_at": datetime.now(UTC).replace(tzinfo=None)}
            connection.execute(insert(MAILBOX).values(found))
    return [f"{name}.1" for name in names]


@contextmanager
def served(config: Config) -> Iterator[None]:
    """Serve the pages meanwhile."""
    server = uvicorn.Server(uvicorn.Config(create_app(config), log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening(config.settings.web.listen)]})
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def take(browser: Browser, base: str, tokens: Tokens, names: list[str]) -> None:
    """Look at each page and keep it."""
    PICTURES.mkdir(exist_ok=True)
    mailbox = f"{base}/mailbox/{tokens.make(Purpose.MAILBOX, CLAIRE, 3600)}"
    browser.size(1000, 900)
    browser.open(mailbox)
    browser.picture(PICTURES / "recipient.png")
    browser.size(1000, 1180)
    browser.open(f"{base}/mailbox/message/{names[1]}")
    browser.wait_frame("we are in town")
    browser.picture(PICTURES / "message.png")
    browser.size(1000, 620)
    browser.open(f"{base}/release/{tokens.make(Purpose.RELEASE, 'ann@partner.example', 3600)}")
    browser.wait_for("form[data-solved]")
    browser.picture(PICTURES / "release.png")
    browser.size(390, 844)
    browser.dark(True)
    browser.language("fr")
    browser.open(mailbox)
    browser.picture(PICTURES / "phone.png")


def main() -> None:
    with TemporaryDirectory() as folder, chromium() as browser:
        (port,) = free_ports(1)
        base = f"http://127.0.0.1:{port}"
        config = parse(
            f'[daemon]\nstate_directory = "{folder}"\nruntime_directory = "{folder}"\n'
            f'[web]\nbase_url = "{base}"\nlisten = "127.0.0.1:{port}"\n',
            "screenshots",
        )
        store = Store(config.database_url, Spool(config.spool_folder))
        store.spool.prepare()
        names = fill(store)
        with served(config):
            take(browser, base, Tokens(read_secret(config)), names)


if __name__ == "__main__":
    main()
