"""`tamis quarantine flag`: what a person took for spam is spam the next time (row 8)."""

import os
import pwd
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tamis.cli import main
from tamis.content_digest import content_digest
from tamis.images.store import ImageStore
from tamis.images.tables import State
from tamis.learning.journal import Journal
from tamis.learning.teaching import Source
from tamis.list_store import ListStore
from tamis.lists import ListName, flagged_value
from tamis.mail import parse_ip
from tamis.message import Message
from tamis.quarantine.store import Store
from tests.images.drawn import drawn, letter, saved
from tests.quarantine.held import RAW, hold

PEER = "192.0.2.7"


@pytest.fixture
def config(tmp_path: Path, database_url: str) -> Path:
    file = tmp_path / "tamis.toml"
    user = pwd.getpwuid(os.geteuid()).pw_name
    file.write_text(
        f'[daemon]\nuser = "{user}"\nstate_directory = "{tmp_path}"\n[database]\nurl = "{database_url}"\n', "utf-8"
    )
    return file


def flag(config: Path, *words: str) -> int:
    return main(["quarantine", "flag", "-c", str(config), *words])


def test_the_pair_of_peer_and_content_is_listed(config: Path, store: Store, database_url: str) -> None:
    name = hold(store)
    assert flag(config, name, "--by", "ann", "--domain", "example.org") == 0
    (stored,) = ListStore(database_url).stored(ListName.FLAGGED)
    peer, digest = parse_ip(PEER), content_digest(Message(RAW))
    assert peer is not None
    assert digest is not None
    assert stored.entry.value == flagged_value(peer, digest)
    (taught,) = Journal(database_url).taught()
    assert (taught.by, taught.source, taught.domain, taught.spam) == ("ann", Source.ADMINISTRATOR, "example.org", 1)
    assert (stored.entry.domain, stored.added_by, stored.note) == ("example.org", "ann", name)
    assert stored.entry.expires is not None
    assert 29 <= (stored.entry.expires - datetime.now(UTC)).days <= 30
    assert flag(config, name, "--domain", "example.org") == 0
    assert len(ListStore(database_url).stored(ListName.FLAGGED)) == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"peer": ""}, "the host that brought it is not known"),
        ({"raw": b"Subject: x\r\n\r\n"}, "nothing in it can be compared"),
    ],
)
def test_what_cannot_be_compared(
    config: Path, store: Store, capsys: pytest.CaptureFixture[str], values: dict[str, object], said: str
) -> None:
    assert flag(config, hold(store, **values)) == 2
    assert said in capsys.readouterr().err


def test_what_is_not_there_any_more(config: Path, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    name = hold(store)
    for digest in list(store.spool.digests()):
        store.spool.remove([digest])
    assert flag(config, name) == 2
    assert flag(config, "0" * 16) == 2
    said = capsys.readouterr().err
    assert "its content has been deleted" in said
    assert "is not known" in said


@pytest.mark.slow
def test_its_images_are_learned_for_everybody(config: Path, store: Store, database_url: str) -> None:
    raw = letter(saved(drawn()), saved(drawn(("My Bank",)))).replace(b"\n", b"\r\n")
    one, other = hold(store, raw=raw), hold(store, raw=raw + b"\r\n")
    assert flag(config, one, "--domain", "example.org") == 0
    assert list(ImageStore(database_url).images()) == []
    assert flag(config, other, "--by", "ann") == 0
    (image,) = ImageStore(database_url).images(State.KNOWN)
    assert (image.learned_by, image.note, image.says[:17]) == ("ann", other, "Canadian pharmacy")
