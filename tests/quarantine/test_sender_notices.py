"""Notices to senders: who gets one, once, whoever asks; what stands in it; what the MTA does with it."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import select, update

from tamis.config import Config, parse
from tamis.notice_tables import SENDER_NOTICE
from tamis.postfix.sink import Sink
from tamis.quarantine import sender_notices, transitions
from tamis.quarantine.notice_task import NoticeTask
from tamis.quarantine.rows import now
from tamis.quarantine.store import Store
from tamis.quarantine.tables import COPY
from tamis.secret import read_secret
from tamis.telling import Telling
from tamis.tokens import Purpose, Tokens
from tests.quarantine.held import copy, hold

TOLD = Telling.WAITING
BASE = "https://mail.example.org/held"


@pytest.fixture
def refused() -> dict[str, str]:
    return {}


@pytest.fixture
def sink(refused: dict[str, str]) -> Iterator[Sink]:
    with Sink(refuse=refused.get) as sink:
        yield sink


def configured(tmp_path: Path, database_url: str, port: int, more: str = "", base: str = BASE) -> Config:
    return parse(
        f'[daemon]\nstate_directory = "{tmp_path}"\n[database]\nurl = "{database_url}"\n'
        f'[delivery]\nserver = "127.0.0.1:{port}"\n[web]\nbase_url = "{base}"\n{more}',
        "x",
    )


Make = Callable[..., NoticeTask]


@pytest.fixture
def make(tmp_path: Path, database_url: str, store: Store, sink: Sink) -> Make:
    """A keeper's task with more settings."""
    return lambda more="", **values: NoticeTask(configured(tmp_path, database_url, sink.port, more, **values), store)


def telling(store: Store) -> list[str]:
    with store.transaction() as connection:
        return list(connection.execute(select(COPY.c.telling).order_by(COPY.c.held_at, COPY.c.id)).scalars())


def state(store: Store) -> tuple[str, str]:
    with store.transaction() as connection:
        row = connection.execute(select(SENDER_NOTICE.c.state, SENDER_NOTICE.c.last_reply)).one()
    return row[0], row[1]


def later(store: Store, **span: float) -> None:
    """Let so much time pass."""
    past = timedelta(**span)
    with store.transaction() as connection:
        for row in connection.execute(select(SENDER_NOTICE)).all():
            moved = {"asked_at": row.asked_at - past, "next_at": row.next_at - past}
            connection.execute(update(SENDER_NOTICE).where(SENDER_NOTICE.c.person == row.person).values(moved))


def letters(sink: Sink) -> list[EmailMessage]:
    return [message_from_bytes(one.content, EmailMessage, policy=policy.default) for one in sink.messages]


def text_of(letter: EmailMessage, kind: str = "plain") -> str:
    part = letter.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_nothing_is_made_where_nothing_was_ever_held(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/none.db"
    config = configured(tmp_path, url, 1)
    NoticeTask(config, Store(url, None)).run()  # type: ignore[arg-type]
    assert not (tmp_path / "none.db").exists()
    assert not (tmp_path / "web.secret").exists()


def test_a_notice(store: Store, make: Make, sink: Sink, tmp_path: Path) -> None:
    hold(store, telling=TOLD, subject="lunch?", sender="Ann@sender.example")
    make().run()
    (sunk,) = sink.messages
    assert (sunk.sender, sunk.recipients, sunk.mail_parameters) == ("", ("Ann@sender.example",), "")
    assert sunk.rcpt_parameters == ("NOTIFY=NEVER",)
    (letter,) = letters(sink)
    assert letter["From"] == "postmaster@mail.example.org"
    assert letter["To"] == "Ann@sender.example"
    assert letter["Subject"] == "Your message is held: lunch?"
    assert letter["Auto-Submitted"] == "auto-replied"
    assert letter["In-Reply-To"] == letter["References"] == "<1@sender.example>"
    assert letter["Content-Language"] == "en"
    assert [part.get_content_type() for part in letter.iter_parts()] == ["text/plain", "text/html"]
    for kind in ("plain", "html"):
        text = text_of(letter, kind)
        assert "bob@example.org" in text
        assert "lunch?" in text
        (link,) = re.findall(rf'{BASE}/release/([^\s"]+)', text)
        tokens = Tokens(read_secret(configured(tmp_path, "sqlite:///x", 1)))
        assert tokens.read(Purpose.RELEASE, link).subject == "ann@sender.example"
    assert telling(store) == ["sent"]
    assert state(store)[0] == "sent"
    make().run()
    assert len(sink.messages) == 1


def test_it_is_written_in_the_language_of_the_message(store: Store, make: Make, sink: Sink) -> None:
    raw = "From: ann@sender.example\r\nSubject: facture\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    raw += "Bonjour, vous trouverez la facture avec cette lettre. Merci à vous.\r\n"
    hold(store, telling=TOLD, raw=raw.encode(), subject="facture")
    make().run()
    (letter,) = letters(sink)
    assert letter["Subject"] == "Votre message est retenu : facture"
    assert "Si vous l’avez écrit" in text_of(letter)
    assert '<html lang="fr">' in text_of(letter, "html")


@pytest.mark.parametrize("reason", [one for one in Telling if one is not TOLD])
def test_nobody_else_is_told(store: Store, make: Make, sink: Sink, reason: Telling) -> None:
    hold(store, telling=reason)
    make().run()
    assert telling(store) == [reason.value]
    assert not sink.messages


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("[notices]\nenabled = false", Telling.OFF),
        ("[policy]\ntell_sender = false", Telling.OFF),
        ('[domain."example.org"]\ntell_sender = false', Telling.OFF),
        ('[domain."sender.example"]\ntell_own_domain = false', Telling.SENT),
        ("[notices]\nmost_a_day = 0", Telling.CAPPED),
    ],
)
def test_switches(store: Store, make: Make, sink: Sink, more: str, why: Telling) -> None:
    hold(store, telling=TOLD)
    make(more).run()
    assert telling(store) == [why.value]
    assert len(sink.messages) == (why is Telling.SENT)


def test_no_notice_within_the_own_domain(store: Store, make: Make, sink: Sink) -> None:
    hold(store, copy("bob@sender.example"), copy("eve@example.org"), telling=TOLD)
    make('[domain."sender.example"]\ntell_own_domain = false').run()
    assert telling(store) == ["own-domain", "sent"]
    text = text_of(letters(sink)[0])
    assert "eve@example.org" in text
    assert "bob@sender.example" not in text


def test_without_a_page_there_is_nothing_to_say(store: Store, make: Make, sink: Sink) -> None:
    hold(store, telling=TOLD)
    make(base="").run()
    assert (telling(store), sink.messages) == (["no-page"], [])


def test_of_a_thousand_messages_one_is_answered(store: Store, make: Make, sink: Sink) -> None:
    for number in range(10):
        copies = [copy(f"user{100 * number + one}@example.org") for one in range(100)]
        hold(store, *copies, telling=TOLD, raw=b"Subject: %d\r\n\r\nx\r\n" % number, subject=str(number))
        if number == 5:
            make().run()
    task = make()
    for _ in range(4):
        task.run()
    assert len(sink.messages) == 1
    assert set(telling(store)) == {"sent", "listed"}
    later(store, hours=24, seconds=1)
    hold(store, telling=TOLD, raw=b"Subject: one more\r\n\r\nx\r\n", subject="one more")
    task.run()
    assert len(sink.messages) == 2
    text = text_of(letters(sink)[1])
    assert text.index("Subject: one more") < text.index("Subject: 9")
    assert "and 95 more messages" in text


def test_one_person_is_told_once_by_whatever_address(store: Store, make: Make, sink: Sink) -> None:
    for number in range(5):
        address = f"ann+{number}@sender.example"
        hold(store, telling=TOLD, sender=address, sender_key=address, raw=b"Subject: %d\r\n\r\n\r\n" % number)
    make().run()
    assert len(sink.messages) == 1


@pytest.mark.parametrize("most", [1, 3])
def test_keepers_of_several_machines_together(store: Store, make: Make, sink: Sink, most: int) -> None:
    """Eight at once: one notice to a person, and no more than the number of the day."""
    for number in range(20):
        who = f"p{number % 5}@sender.example"
        hold(store, telling=TOLD, sender=who, sender_key=who, raw=b"Subject: %d\r\n\r\n\r\n" % number)
    tasks = [make(f"[notices]\nmost_a_day = {most}") for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(task.run) for task in tasks]:
            future.result()
    for task in tasks:
        task.run()
    assert len(sink.messages) == len({one.recipients for one in sink.messages}) == most
    assert "waiting" not in telling(store)


def test_what_is_released_before_needs_no_notice(store: Store, make: Make, sink: Sink) -> None:
    name = hold(store, telling=TOLD)
    task = make()
    sender_notices.decide(store, lambda _: None, 10)
    transitions.release(store, [f"{name}.1"], "bob", "")
    task.run()
    assert not sink.messages
    assert (state(store)[0], telling(store)) == ("needless", ["needless"])


def test_what_turns_out_to_be_malware_is_not_told(store: Store, make: Make, sink: Sink) -> None:
    from tamis.filters.order import BY_NAME

    name = hold(store, telling=TOLD)
    transitions.take_for_malware(store, name, BY_NAME["antivirus-1"], "AV", "found later")
    make().run()
    assert (telling(store), sink.messages) == (["malware"], [])


def test_a_sender_whose_server_refuses_is_left_alone(
    store: Store, make: Make, sink: Sink, refused: dict[str, str]
) -> None:
    refused["ann@sender.example"] = "550 5.1.1 nobody"
    hold(store, telling=TOLD)
    make().run()
    assert (telling(store), state(store)) == (["refused"], ("refused", "550 5.1.1 nobody"))
    with store.transaction() as connection:
        assert sender_notices.held_of_sender(connection, "ann@sender.example", 10) == []


def test_a_server_that_is_busy_is_asked_again(store: Store, make: Make, sink: Sink, refused: dict[str, str]) -> None:
    refused["ann@sender.example"] = "450 4.2.0 later"
    hold(store, telling=TOLD)
    task = make()
    task.run()
    task.run()
    assert telling(store) == ["sending"]
    del refused["ann@sender.example"]
    later(store, hours=1)
    task.run()
    assert (telling(store), len(sink.messages)) == (["sent"], 1)


def test_it_is_given_up_some_time(store: Store, make: Make, sink: Sink, refused: dict[str, str]) -> None:
    refused["ann@sender.example"] = "450 4.2.0 later"
    hold(store, telling=TOLD)
    task = make()
    for _ in range(9):
        task.run()
        later(store, hours=2)
    assert (telling(store), state(store)) == (["refused"], ("refused", "450 4.2.0 later"))


def test_one_that_died_before_the_end_is_taken_over_and_after_it_not(store: Store, make: Make, sink: Sink) -> None:
    hold(store, telling=TOLD)
    sender_notices.decide(store, lambda _: None, 10)
    queue = sender_notices.queue(store)
    (first,) = queue.due()
    assert queue.due() == []
    later(store, minutes=11)
    (second,) = queue.due()
    assert not queue.at_dot(first)
    assert queue.at_dot(second)
    later(store, minutes=11)
    assert queue.due() == []
    make().run()
    assert not sink.messages


def test_strangers_write_nothing_into_our_mail(store: Store, make: Make, sink: Sink) -> None:
    evil = "x\r\nBcc: all@example.org\r\n\r\n<script>alert(1)</script>{{ 7*7 }}%(x)s \u202egpj.exe\x00\ud800"
    hold(
        store,
        copy('"<img src=x>"@example.org'),
        telling=TOLD,
        subject=evil,
        header_id="<a@b>\r\nX-Evil: 1",
        sender='"a b\\"\\r"@sender.example',
        sender_key='"a b\\"\\r"@sender.example',
    )
    make().run()
    (letter,) = letters(sink)
    assert {name.lower() for name in letter.keys()} == {  # noqa: SIM118
        "from", "to", "subject", "date", "message-id", "auto-submitted", "x-auto-response-suppress",
        "content-language", "mime-version", "content-type",
    }  # fmt: skip
    assert letter["To"] == "undisclosed-recipients:;"
    assert len(str(letter["Subject"])) <= 200
    assert "\u202e" not in str(letter["Subject"])
    html = text_of(letter, "html")
    assert "<script" not in html
    assert "<img" not in html
    assert "{{ 7*7 }}" in html
    assert "{{ 7*7 }}" in text_of(letter)


def test_templates_of_the_site(store: Store, make: Make, sink: Sink, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "notice.txt").write_text("Ours: {{ link }} {{ _('Hello,') }}\n")
    (folder / "notice.fr.txt").write_text("Le nôtre: {{ link }} {{ _('Hello,') }}\n")
    (folder / "notice.html").write_text("{{ nothing_of_that_name }}")
    hold(store, telling=TOLD)
    make(f'[notices]\ntemplates = "{folder}"\nfrom_address = "desk@example.org"\nfrom_name = "Désk"').run()
    (letter,) = letters(sink)
    assert text_of(letter).startswith(f"Ours: {BASE}/release/")
    assert text_of(letter).endswith(" Hello,\r\n")
    assert "was taken for spam" in text_of(letter, "html")
    assert str(letter["From"]) == "Désk <desk@example.org>"


def test_old_notices_are_forgotten(store: Store, make: Make, sink: Sink) -> None:
    hold(store, telling=TOLD)
    task = make()
    task.run()
    task.forget()
    assert state(store)[0] == "sent"
    later(store, days=3)
    task.forget()
    with store.transaction() as connection:
        assert connection.execute(select(SENDER_NOTICE)).all() == []
    assert now()
