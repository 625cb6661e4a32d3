"""From messages to statistics and vertices, by Redis and the keeper's task, in both databases."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import SQLAlchemyError

from tamis.attachments import Attachments
from tamis.attachments.kinds import Kind
from tamis.attachments.seen import Seen, SeenFiles, take
from tamis.attachments.sketch import sketch
from tamis.attachments.sources import DatabaseFiles, MappedFiles
from tamis.attachments.store import PERSON, FileStore
from tamis.attachments.tasks import tasks
from tamis.config import Config, parse
from tamis.filters.order import BY_NAME
from tamis.list_store import ListStore
from tamis.lists import BadEntry, ListName
from tamis.mail import Mail
from tamis.record import Record, Verdict
from tamis.redis_client import RedisClient
from tests.attachments.making import PDF, message
from tests.redis_server import Server

PROGRAM = Path("/bin/ls").read_bytes()
DIGEST = hashlib.sha256(PROGRAM).digest()
NOW = int(datetime.now(UTC).timestamp())
DAY = 86_400


def seen(**values: object) -> Seen:
    start = {"name": "ls", "first": NOW, "last": NOW, "messages": 1, "recipients": 2, "ham": 1}
    return Seen(DIGEST, len(PROGRAM), "elf", runs=True, **{**start, **values})  # type: ignore[arg-type]


def record(row: str = "", recipients: int = 1, malware: bool = False, looked: bool = True) -> Record:
    addresses = [f"r{number}@example.org" for number in range(recipients)]
    mail = Mail(message(("ls", PROGRAM), ("a.pdf", PDF)), recipients=addresses)
    attachments = Attachments(mail.message)
    _ = looked and attachments.files
    verdict = Verdict(
        addresses[0], bool(row), "hold" if row else "deliver", "quarantine", 7.5, 0, (),
        BY_NAME[row] if row else None, because="Test.Family", malware=malware,
    )  # fmt: skip
    return Record(mail, verdicts=[verdict], attachments=attachments)


def test_statistics_add_up(database_url: str) -> None:
    store = FileStore(database_url)
    assert store.find(DIGEST.hex()) is None
    assert store.versions() == (0, 0)
    store.record([seen(last=NOW - 5), seen(messages=3, recipients=9, ham=0, spam=2, malware=1, name="x\0y")])
    found = store.find(DIGEST.hex())
    assert found is not None
    assert (found.messages, found.recipients, found.ham, found.spam, found.malware) == (4, 11, 1, 2, 1)
    assert (found.name, found.kind, found.runs, found.malware_list) == ("x?y", "elf", True, False)
    assert found.first_seen == found.last_seen == datetime.fromtimestamp(NOW, UTC)
    store.record([seen(messages=2**31 - 1)])
    again = store.find(DIGEST.hex())
    assert again is not None
    assert again.messages == 2**31 - 1


def test_what_is_listed(database_url: str) -> None:
    store = FileStore(database_url)
    text = Seen(bytes(32), 5, "text", "a.txt", False, NOW, NOW, 9, 9)
    old = Seen(b"\1" * 32, 5, "pe", "b.exe", True, NOW - 9 * DAY, NOW - 9 * DAY, 1, 1)
    store.record([seen(), text, old])
    names = lambda *how: [file.name for file in store.files(*how)]  # noqa: E731
    assert names(True, None, "recipients", 9) == ["ls", "b.exe"]
    assert names(False, None, "messages", 1) == ["a.txt"]
    assert names(True, datetime.now(UTC) - timedelta(days=1), "last_seen", 9) == ["ls"]
    assert store.forget(5) == 1
    assert names(False, None, "last_seen", 9) == ["a.txt", "ls"]


def test_workers_know_what_was_let_through(database_url: str) -> None:
    store = FileStore(database_url)
    rows = [
        Seen(bytes([n]) * 32, 1, "pe", "", runs, NOW - 2 * DAY, NOW, 9, 9, ham, spam, malware)
        for n, (runs, ham, spam, malware) in enumerate(
            [(True, 5, 1, 0), (True, 1, 5, 0), (True, 5, 0, 1), (True, 0, 0, 0), (False, 5, 0, 0)]
        )
    ]
    store.record(rows)
    known = store.columns().known()
    yesterday = datetime.now(UTC) - timedelta(days=1)
    assert [known.seen_before(row.digest, yesterday) for row in rows] == [True, False, False, False, False]
    assert not known.seen_before(bytes(32), datetime.now(UTC) - timedelta(days=3))


def test_the_hypercube_learns(database_url: str) -> None:
    store, vertex = FileStore(database_url), sketch(PROGRAM, Kind.ELF)
    for _ in range(3):  # Ham of one day counts once.
        store.record([seen(sketch=vertex)])
    store.record([seen(sketch=vertex, last=NOW + DAY)])
    store.record([seen(sketch=vertex, ham=0, spam=1)])
    assert store.columns().vertices == [(vertex, "elf", "", 0, 2)]
    store.record([seen(sketch=vertex, ham=0, malware=7, family="antivirus-1: Test")])
    assert store.columns().vertices == [(vertex, "elf", "antivirus-1: Test", 7, 2)]
    store.teach(vertex, "elf", "", by="ann")
    store.teach(bytes(32), "pe", "By hand", by="ann")
    assert sorted(store.columns().vertices) == [
        (bytes(32), "pe", "By hand", PERSON, 0),
        (vertex, "elf", "antivirus-1: Test", 7, 2 + PERSON),
    ]


def test_blocking_lists_and_teaches(database_url: str) -> None:
    store, vertex = FileStore(database_url), sketch(PROGRAM, Kind.ELF)
    store.record([seen(sketch=vertex)])
    assert store.block(DIGEST.hex(), "ann", None, "seen in the wild")
    assert not store.block(DIGEST.hex(), "ann", None, "")
    (entry,) = ListStore(database_url).entries()
    assert (entry.list, entry.value) == (ListName.MALWARE_HASH, DIGEST.hex())
    found = store.find(DIGEST.hex())
    assert found is not None
    assert found.malware_list
    assert store.columns().vertices == [(vertex, "elf", "blocked: ls", PERSON, 1)]
    with pytest.raises(BadEntry):
        store.block("xyz", "ann", None, "")


def test_files_are_bounded(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tamis.limits.KNOWN_FILES", 2)
    store = FileStore(database_url)
    rows = [(1, True, NOW - 9), (2, False, NOW), (3, True, NOW)]
    store.record(Seen(bytes([octet]) * 32, 1, "pe", str(octet), runs, last, last) for octet, runs, last in rows)
    assert store.forget(90) == 1
    assert [file.name for file in store.files(False, None, "last_seen", 9)] == ["3", "1"]


def test_vertices_are_bounded(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tamis.limits.VERTICES", 2)
    store = FileStore(database_url)
    store.teach(bytes(32), "pe", "bad", by="ann")
    for octet in (1, 2):
        store.record(
            [Seen(bytes([octet]) * 32, 1, "pe", "", True, NOW, NOW + octet, ham=1, sketch=bytes([octet]) * 32)]
        )
    assert store.forget(90) == 1
    assert sorted(row[0][0] for row in store.columns().vertices) == [0, 2]


@pytest.mark.servers
def test_from_messages_to_the_file_of_the_workers(server: Server, tmp_path: Path) -> None:
    config: Config = parse(f'[daemon]\nstate_directory = "{tmp_path}"\n', "x")
    notes = SeenFiles(RedisClient(server.url, 2.0))
    notes.note(record(recipients=3))
    notes.note(record("antivirus-1", malware=True))
    notes.note(record("spf"))
    notes.note(record(looked=False))  # No row asked for the files: switched off.
    notes.flush()
    workers, command = MappedFiles(config), DatabaseFiles(config)
    assert workers.fresh() is None
    assert command.fresh() is None
    files, _ = tasks(config, server.url)
    files.run()
    assert take(RedisClient(server.url)) == []
    found = FileStore(config.database_url).find(DIGEST.hex())
    assert found is not None
    assert (found.messages, found.recipients, found.ham, found.spam, found.malware) == (3, 5, 1, 1, 1)
    assert {file.name for file in FileStore(config.database_url).files(False, None, "messages", 9)} == {"ls", "a.pdf"}
    for source in (workers, command):
        known = source.fresh()
        assert known is not None
        assert source.fresh() is None
        # Two may have been the malware, so it is nobody's family.
        assert known.vertices == 0
        assert known.files == 0


@pytest.mark.servers
def test_the_one_file_that_can_be_malware_is_learned(server: Server, tmp_path: Path) -> None:
    config: Config = parse(f'[daemon]\nstate_directory = "{tmp_path}"\n', "x")
    notes = SeenFiles(RedisClient(server.url, 2.0))
    one = record("antivirus-1", malware=True)
    one.attachments = Attachments(message(("ls", PROGRAM), ("a.txt", b"hello")))
    _ = one.attachments.files
    notes.note(one)
    notes.flush()
    files, forget = tasks(config, server.url)
    files.run()
    forget.run()
    (vertex,) = FileStore(config.database_url).columns().vertices
    assert vertex[1:] == ("elf", "antivirus-1: Test.Family", 1, 0)
    # What a person teaches is with the workers at the next run.
    FileStore(config.database_url).teach(vertex[0], "elf", "Mine", by="ann")
    files.run()
    known = MappedFiles(config).fresh()
    assert known is not None
    near = known.near(vertex[0], Kind.ELF)
    assert near is not None
    assert (near.family, near.bad) == ("Mine", 1 + PERSON)


@pytest.mark.servers
def test_what_the_database_does_not_take_waits(server: Server, tmp_path: Path) -> None:
    config: Config = parse(f'[daemon]\nstate_directory = "{tmp_path / "later"}"\n', "x")
    notes = SeenFiles(RedisClient(server.url, 2.0))
    notes.note(record())
    notes.flush()
    files, _ = tasks(config, server.url)
    for _ in range(2):
        with pytest.raises(SQLAlchemyError):
            files.run()
    (tmp_path / "later").mkdir()
    files.run()
    assert len(FileStore(config.database_url).files(False, None, "messages", 9)) == 2
    # A database that was taken away leaves what the workers have.
    (tmp_path / "later" / "tamis.db").unlink()
    before = (tmp_path / "later" / "files").stat()
    files.run()
    assert (tmp_path / "later" / "files").stat() == before


def test_without_redis_nothing_is_kept(tmp_path: Path) -> None:
    notes = SeenFiles(RedisClient())
    notes.note(record())
    notes.flush()
    config: Config = parse(f'[daemon]\nstate_directory = "{tmp_path}"\n', "x")
    for task in tasks(config, ""):
        task.run()
    assert list(tmp_path.iterdir()) == []
