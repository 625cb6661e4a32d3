"""Take the pictures of docs/images: `python -m tests.web.screenshots`. The site in them is invented."""

import random
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tamis.accounts import Accounts, Role
from tamis.audit import Audit
from tamis.config import Config
from tamis.filters.order import BY_NAME
from tamis.history.decided import Asked, Decided, Said, Share
from tamis.history.store import HistoryStore
from tamis.list_store import ListStore
from tamis.lists import ListName
from tamis.policy_store import PolicyStore
from tamis.quarantine import transitions
from tamis.quarantine.store import Store
from tests.quarantine.held import copy, hold
from tests.web.browser import PHONE, Chromium, chromium
from tests.web.console import log_in
from tests.web.serving import loopback, served
from tests.web.test_console_changes import store_of

FOLDER: Final = Path(__file__).parents[2] / "docs" / "images"
_PASSWORD: Final = "an invented password"
_NUMBER: Final = 2400
_RECIPIENTS: Final = ("hugo", "lea", "contact", "compta", "direction", "jean.martin")
_DOMAINS: Final = ("mairie-exemple.fr", "atelier.example", "example.org")
_REASONS: Final = (
    ("16", "maps-rbl", "RBL_HALF", "5 of 8 DNS lists know 203.0.113.25", 9),
    ("10", "reverse-dns", "RDNS_NONE", "the server that sent this has no name in the DNS", 6),
    ("27", "bayes", "", "score 11.204 reaches the level 7.5", 12),
    ("23", "surbl", "SURBL_HALF", "3 of 4 URL lists know prize-claim.example", 5),
    ("5", "spf", "SPF_FAIL", "bank.example forbids 203.0.113.25 to send for it", 4),
    ("22", "mail-checksum", "CHECKSUM_BULK", "the same message to 41 recipients within 10 minutes", 2),
    ("1", "antivirus-1", "AV_1", "Win.Trojan.Invoice-7781 (clamd)", 1),
)
_SENDERS: Final = ("news@shop.example", "claire@partner.example", "support@supplier.example", "info@assoc.example",
                   "no-reply@bank.example", "winner@prize-claim.example", "paul@client.example")  # fmt: skip


def _rows(reason: tuple[str, str, str, str, int] | None, chance: random.Random) -> tuple[Asked, ...]:
    rows = []
    for row in BY_NAME.values():
        if row.filter is None or (chance.random() < 0.25 and not (reason and row.name == reason[1])):
            continue
        hits: tuple[Said, ...] = ()
        if reason and row.name == reason[1] and reason[2]:
            hits = (Said(reason[2], reason[3], True),)
        elif row.name == "bayes":
            hits = (Said("BAYES", "token evidence 8.412" if reason else "token evidence -4.118"),)
        rows.append(Asked(row.number, row.name, round(chance.expovariate(1.2), 2), chance.random() < 0.2, hits=hits))
    return tuple(rows)


def decision(number: int, at: float, chance: random.Random) -> Decided:
    reason = None
    if chance.random() < 0.42:
        reason = chance.choices(_REASONS, [one[4] for one in _REASONS])[0]
    recipient = f"{chance.choice(_RECIPIENTS)}@{chance.choice(_DOMAINS)}"
    sender = chance.choice(_SENDERS[4:6] if reason else _SENDERS)
    if reason:
        tests = (("BAYES", 8412), ("RDNS_NONE", 1100), ("URL_MANY", 420), ("HTML_ONLY", 310), ("DKIM_PASS", 0))
        word = "malware" if reason[0] == "1" else "spam"
        share = Share((recipient,), word, "hold", "quarantine", *reason[:4], "", 10242, 7.5, tests)
    else:
        tests = (("BAYES", -4118), ("DATE_OK", -120), ("LIST_ID", -340), ("HTML_ONLY", 310), ("DKIM_PASS", 0))
        share = Share((recipient,), "ham", "deliver", "quarantine", "", "", "", "", "", -4268, 7.5, tests)
    return Decided(
        id=f"{chance.getrandbits(64):016x}", at=at, answer="250", mail_class="inbound", queue_id=f"4X{number:05X}",
        peer="203.0.113.25" if reason else "198.51.100.7", rdns="" if reason else "mail.partner.example",
        helo="mail.partner.example", sender=sender, authors=(sender,), recipients=(recipient,),
        header_id=f"<{number}.{chance.getrandbits(40):x}@{sender.partition('@')[2]}>",
        size=chance.randrange(2000, 90000),
        milliseconds=round(8 + chance.expovariate(0.03), 1), shares=(share,), rows=_rows(reason, chance),
        authentication="spf=pass:partner.example, dkim=pass:partner.example, dmarc=pass:none, arc=none, iprev=pass",
    )  # fmt: skip


def furnish(config: Config) -> str:
    """Invent a site; return our id of a message that was taken for spam."""
    chance = random.Random(8)
    Accounts(config.database_url).add("claire", _PASSWORD, Role.PLATFORM, (), "the first start")
    now = datetime.now(UTC).timestamp()
    decisions = []
    for number in range(_NUMBER):
        hours = chance.triangular(0, 23.9, 7)
        decisions.append(decision(number, now - 3600 * hours, chance))
    decisions.sort(key=lambda one: one.at)
    store = HistoryStore(config.database_url)
    for start in range(0, len(decisions), 200):
        store.add(decisions[start : start + 200])
    _hold(config, store_of(config))
    lists = ListStore(config.database_url)
    lists.add(ListName.WHITELIST_SENDER, "partner.example", "", "claire", note="our printer")
    policies = PolicyStore(config.database_url)
    policies.set("mairie-exemple.fr", {"mode": "junk", "level": 6.0}, "claire", "asked for by the town hall")
    policies.set("direction@mairie-exemple.fr", {"level": 9.0}, "claire")
    audit = Audit(config.database_url)
    audit.write("claire", "add to whitelist-sender", "partner.example", note="our printer", address="192.0.2.44")
    return next(one.id for one in reversed(decisions) if one.shares[0].row == "16")


def _hold(config: Config, store: Store) -> None:
    letters = (
        ("Votre facture de juillet", 0),
        ("You have been selected", 1),
        ("Réunion de mardi", 2),
        ("Account notice", 3),
    )
    for number in range(24):
        subject, place = letters[number % 4]
        reason = _REASONS[(0, 2, 1, 4)[place]]
        one = copy(
            f"{_RECIPIENTS[number % 6]}@{_DOMAINS[number % 3]}",
            row=BY_NAME[reason[1]],
            test=reason[2],
            because=reason[3],
        )
        name = hold(store, one, raw=f"Subject: {subject}\r\n\r\n{number}\r\n".encode(), subject=subject,
                    sender=_SENDERS[number % 7], sender_key=_SENDERS[number % 7])  # fmt: skip
        if place in (0, 2) and number < 12:
            transitions.release(store, [f"{name}.1"], "hugo", "")


def take(browser: Chromium, base: str, decided: str) -> None:
    pictures = {
        "console-overview": "/console",
        "console-decision": f"/console/decisions/{decided}",
        "console-held": "/console/held",
        "console-policy": "/console/policies?owner=mairie-exemple.fr",
        "console-replay": "/console/replay?level=12&off=maps-rbl&days=7",
    }
    with browser.window(language="en-GB") as window:
        log_in(window, base, "claire", _PASSWORD)
        for name, path in pictures.items():
            window.open(f"{base}{path}")
            window.picture(FOLDER / f"{name}.png", whole=name == "console-overview")
    with browser.window(PHONE, dark=True, language="fr-FR") as window:
        log_in(window, base, "claire", _PASSWORD)
        window.picture(FOLDER / "console-phone.png")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        config, listener = loopback(Path(folder))
        decided = furnish(config)
        with served(config, listener) as base, chromium() as browser:
            take(browser, base, decided)
    for picture in sorted(FOLDER.glob("console-*.png")):
        print(f"{picture.relative_to(FOLDER.parents[1])}: {picture.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
