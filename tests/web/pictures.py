"""Make the pictures of the pages for the docs: `python -m tests.web.pictures`.

Real pages over a database of examples, in Debian's Chromium. Text is rendered by the fonts of the machine.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import insert, update

from tamis.filters.order import BY_NAME
from tamis.notice_tables import MAILBOX
from tamis.quarantine.spool import Spool
from tamis.quarantine.store import Store
from tamis.quarantine.tables import COPY, MESSAGE
from tamis.secret import read_secret
from tamis.telling import Telling
from tamis.tokens import Purpose, Tokens
from tests.quarantine.held import copy, hold
from tests.web.browser import Chromium, chromium
from tests.web.serving import loopback, served

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


def take(browser: Chromium, base: str, tokens: Tokens, names: list[str]) -> None:
    """Look at each page and keep it."""
    PICTURES.mkdir(exist_ok=True)
    mailbox = f"{base}/mailbox/{tokens.make(Purpose.MAILBOX, CLAIRE, 3600)}"
    with browser.window((1000, 900)) as window:
        window.open(mailbox)
        window.picture(PICTURES / "recipient.png")
        window.size(1000, 1180)
        window.open(f"{base}/mailbox/message/{names[1]}")
        window.wait_frame("we are in town")
        window.picture(PICTURES / "message.png")
        window.size(1000, 620)
        window.open(f"{base}/release/{tokens.make(Purpose.RELEASE, 'ann@partner.example', 3600)}")
        window.wait_for("form[data-solved]")
        window.picture(PICTURES / "release.png")
    with browser.window((390, 844), dark=True, language="fr") as window:
        window.open(mailbox)
        window.picture(PICTURES / "phone.png")


def main() -> None:
    with TemporaryDirectory() as folder:
        config, listener = loopback(Path(folder))
        store = Store(config.database_url, Spool(config.spool_folder))
        store.spool.prepare()
        names = fill(store)
        with served(config, listener) as base, chromium() as browser:
            take(browser, base, Tokens(read_secret(config)), names)


if __name__ == "__main__":
    main()
