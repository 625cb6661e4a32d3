"""`tamis quarantine` with a real database: what it prints, what it changes, and its exit status."""

import json
import os
import pwd
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tamis.cli import main
from tamis.postfix.sink import Sink
from tamis.quarantine import transitions
from tamis.quarantine.outbox import Outbox, Result
from tamis.quarantine.sender import Sender
from tamis.quarantine.spool import Spool
from tamis.quarantine.store import Store
from tamis.settings import Delivery
from tamis.telling import Telling
from tests.quarantine.held import RAW, age, copy, events, hold, parted, states

pytestmark = pytest.mark.slow


class Quarantine:
    """Runs `tamis quarantine` with a configuration of its own."""

    def __init__(self, folder: Path, url: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
        self.file = folder / "tamis.toml"
        self.url = url
        self._folder = folder
        self._capture = capsysbinary
        self.configure("")

    def configure(self, text: str) -> None:
        state = f'[daemon]\nuser = "{pwd.getpwuid(os.geteuid()).pw_name}"\nstate_directory = "{self._folder}"\n'
        self.file.write_text(f'{state}[database]\nurl = "{self.url}"\n{text}', encoding="utf-8")

    def run(self, action: str, *words: str) -> tuple[int, bytes, bytes]:
        try:
            status = main(["quarantine", action, "-c", str(self.file), *words])
        except SystemExit as left:
            status = int(left.code or 0)
        out, err = self._capture.readouterr()
        return status, out, err

    def good(self, action: str, *words: str, status: int = 0) -> str:
        """What it prints, line by line as a pipe gets it, without the columns' padding."""
        found, out, err = self.run(action, *words)
        assert (found, err) == (status, b"")
        return out.decode()

    def bad(self, action: str, *words: str, status: int = 2) -> str:
        """The one line that a failing command prints."""
        found, out, err = self.run(action, *words)
        assert (found, out) == (status, b"")
        text = err.decode()
        assert text.startswith("tamis: ")
        assert text.count("\n") == 1
        return text.removeprefix("tamis: ").strip()

    def read(self, action: str, *words: str) -> Any:
        return json.loads(self.good(action, "--json", *words))

    def table(self, *words: str) -> list[str]:
        """The first column of a list."""
        _, out, _ = self.run("list", *words)
        return [line.split()[0] for line in out.decode().splitlines()[1:]]


@pytest.fixture
def quarantine(
    tmp_path: Path, database_url: str, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Quarantine:
    monkeypatch.setenv("HOME", os.environ["HOME"])
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("SUDO_USER", "administrator")
    return Quarantine(tmp_path, database_url, capsysbinary)


class Daemon:
    """What the daemon does with the outbox, again and again, in a thread."""

    def __init__(self, store: Store, port: int) -> None:
        self._sender = Sender(store, Delivery(server=f"127.0.0.1:{port}", mailbox_server=f"127.0.0.1:{port}"))
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Daemon":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stopping.wait(0.05):
            self._sender.send_due()


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink(refuse={"nobody@example.org": "550 5.1.1 nobody", "full@example.org": "450 4.2.2 full"}.get) as sink:
        yield sink


@pytest.fixture
def daemon(store: Store, sink: Sink) -> Iterator[None]:
    with Daemon(store, sink.port):
        yield


# Where nothing was ever held


def test_no_database(quarantine: Quarantine) -> None:
    assert quarantine.table() == []
    assert quarantine.read("list") == []
    assert quarantine.read("stats")["total"]["copies"]["held"] == 0
    assert quarantine.good("expire").endswith(": 0 copies, of messages of 0 octets\n")
    for action in ("show", "release", "delete"):
        unknown = "is not known: it never was, or what became of it has been forgotten"
        assert quarantine.bad(action, "0123456789abcdef") == f"0123456789abcdef {unknown}"
    if quarantine.url.startswith("sqlite"):
        assert not (quarantine.file.parent / "tamis.db").exists()


# list


def test_list(quarantine: Quarantine, store: Store) -> None:
    first = hold(store, copy("bob@example.org"), subject="first")
    second = hold(store, copy("carol@example.net", malware=True), subject="second", raw=RAW + b"2", sender="")
    text = quarantine.good("list")
    assert len(text.splitlines()) == 3
    newest = text.splitlines()[1]
    for part in (f"{second}.1", "held", "carol@example.net", "<>", "second", "27 bayes (malware)"):
        assert part in newest
    assert quarantine.table("bob@example.org") == quarantine.table("Bob@Example.ORG") == [f"{first}.1"]
    assert quarantine.table("example.net") == quarantine.table("@example.net") == [f"{second}.1"]
    assert quarantine.table("--search", "SECO") == [f"{second}.1"]
    assert quarantine.table("--search", "sec%") == []
    assert quarantine.table("--row", "27", "--peer", "192.0.2.7", "--queue-id", "4XyZ12") == [
        f"{second}.1",
        f"{first}.1",
    ]
    assert quarantine.table("--sender", "Ann@sender.example") == [f"{second}.1", f"{first}.1"]
    assert quarantine.table("--sender", "") == []


def test_list_by_state_and_time(quarantine: Quarantine, store: Store) -> None:
    old, new = hold(store), hold(store, copy("carol@example.org"))
    age(store, 8, f"{old}.1")
    transitions.remove(store, [f"{new}.1"], "ann")
    assert quarantine.table() == [f"{old}.1"]
    assert quarantine.table("--state", "deleted") == [f"{new}.1"]
    assert quarantine.table("--state", "all") == [f"{new}.1", f"{old}.1"]
    assert quarantine.table("--state", "all", "--since", "7d") == [f"{new}.1"]
    assert quarantine.table("--state", "all", "--until", "7d") == [f"{old}.1"]
    assert quarantine.table("--since", "2000-01-01", "--until", "2999-12-31") == [f"{old}.1"]


def test_list_page_by_page(quarantine: Quarantine, store: Store) -> None:
    names = [f"{hold(store, raw=RAW + b'%d' % number)}.1" for number in range(5)]
    status, _, err = quarantine.run("list", "--limit", "2")
    assert (status, err.decode()) == (0, f"there may be more: --after {names[3]}\n")
    assert quarantine.table("--limit", "2") == names[:2:-1]
    assert quarantine.table("--after", names[3]) == names[2::-1]
    assert quarantine.bad("list", "--after", "nothing") == "--after 'nothing': there is no such copy"


def test_list_as_json(quarantine: Quarantine, store: Store) -> None:
    name = hold(store, copy("bob@example.org"), subject="été 你好")
    (found,) = quarantine.read("list")
    assert found.pop("held_at").endswith("+00:00")
    assert found.pop("changed_at").endswith("+00:00")
    assert found == {
        "id": f"{name}.1",
        "message": name,
        "state": "held",
        "recipient": "bob@example.org",
        "changed_by": "",
        "size": len(RAW),
        "sender": "ann@sender.example",
        "author": "ann@sender.example",
        "subject": "été 你好",
        "peer": "192.0.2.7",
        "row": "27",
        "name": "bayes",
        "test": None,
        "because": "score 8.42 reaches the level 7.5",
        "score": 8.42,
        "level": 7.5,
        "malware": False,
        "seen": 1,
    }


def test_wire_data_is_printed_safely(quarantine: Quarantine, store: Store) -> None:
    evil = "\x1b[2Jfree\r\nTo: \u202eevil\x9b31m"
    name = hold(
        store, copy("bob@example.org", because=evil), subject=evil, sender=evil, author=evil, helo=evil, header_id=evil
    )
    transitions.release(store, [f"{name}.1"], evil, "X-WL", evil)
    for words in (("list", "--state", "all"), ("show", name), ("release", name, "--wait", "0"), ("delete", name)):
        _, out, err = quarantine.run(*words)
        assert err == b""
        assert not set(out.decode()) & set("\x1b\r\u202e\x9b")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["list", "exam ple.org"], "'exam ple.org' is not a domain name"),
        (["list", "--since", "soon"], "--since 'soon' is neither a span such as 7d nor a date such as 2030-01-31"),
        (["list", "--peer", "mail.example"], "--peer 'mail.example' is not an IP address"),
        (["show", "1.2.3"], "'1.2.3' is not an id: 16 hexadecimal digits, or those with .N for one copy"),
        (["release"], "give an ID, or --all-of ADDRESS"),
        (["stats", ".example.org"], "'.example.org' is not a domain name"),
    ],
)
def test_bad_input_is_one_line(quarantine: Quarantine, words: list[str], said: str) -> None:
    assert quarantine.bad(*words) == said


@pytest.mark.parametrize(
    "words",
    [["list", "--limit", "0"], ["list", "--limit", "x"], ["list", "--state", "lost"], ["release", "--wait", "-1", "x"],
     ["release", "--wait", "nan", "x"], ["expire", "--days", "0"], ["delete"], ["show"],
     ["show", "x", "--raw", "--json"]],
    ids=" ".join,
)  # fmt: skip
def test_bad_usage(quarantine: Quarantine, words: list[str]) -> None:
    status, out, err = quarantine.run(*words)
    assert (status, out) == (2, b"")
    assert b"usage: tamis quarantine" in err


# show


def test_show(quarantine: Quarantine, store: Store) -> None:
    name = hold(store, copy("bob@example.org"), copy("carol@example.org"), rdns="")
    transitions.remove(store, [f"{name}.2"], "ann", "unwanted")
    text = quarantine.good("show", name)
    for part in (
        f"message {name}",
        "UTC from 192.0.2.7 (without a name), HELO mail.sender.example",
        "Message-ID  <1@sender.example>",
        "queue id    4XyZ12",
        f"copy {name}.1 for bob@example.org: held",
        "decided by  row 27 bayes",
        "because     score 8.42 reaches the level 7.5",
        "score       8.42, level 7.5, mode quarantine, action hold",
        "header      X-Tamis-Verdict: spam; action=hold",
        f"copy {name}.2 for carol@example.org: deleted",
        "UTC deleted by ann: unwanted",
    ):
        assert part in text
    assert "carol" not in quarantine.good("show", f"{name}.1")


@pytest.mark.parametrize(
    ("telling", "words"),
    [
        (Telling.WAITING, "notice      waits to be sent"),
        (Telling.SENT, "notice      sent to the sender"),
        (Telling.UNPROVED, "notice      none: neither SPF nor DKIM proves the sender"),
    ],
)
def test_show_says_whether_the_sender_was_told(
    quarantine: Quarantine, store: Store, telling: Telling, words: str
) -> None:
    name = hold(store, telling=telling)
    assert words in quarantine.good("show", name)
    assert quarantine.read("show", name)["copies"][0]["notice"] == telling.value


def test_show_of_what_waits(quarantine: Quarantine, store: Store) -> None:
    name = hold(store, *parted("bob@example.org", legs=("b@mail.example", "c@mail.example")))
    outbox = Outbox(store)
    (outgoing,) = outbox.claim(1)
    assert "tried 1 times, being sent since" in quarantine.good("show", name)
    outbox.record(outgoing, [Result(f"{name}.1", "451 later", ("c@mail.example",))])
    text = quarantine.good("show", name)
    assert "last answer: 451 later" in text
    assert "goes to     c@mail.example" in text
    assert "sent on its way as a copy of its own" in text
    (found,) = quarantine.read("show", name)["copies"]
    assert (found["legs_left"], found["outbox"]["last_reply"]) == (["c@mail.example"], "451 later")
    assert (found["outbox"]["tries"], found["outbox"]["sending"]) == (1, False)


def test_show_as_json(quarantine: Quarantine, store: Store) -> None:
    name = hold(store, copy("bob@example.org"), subject="été")
    transitions.release(store, [f"{name}.1"], "ann", "X-WL", "please")
    found = quarantine.read("show", name)
    assert (found["id"], found["subject"], found["kept"], found["size"]) == (name, "été", True, len(RAW))
    (one,) = found["copies"]
    assert (one["id"], one["state"], one["because"]) == (f"{name}.1", "released", "score 8.42 reaches the level 7.5")
    (event,) = one["history"]
    assert event.pop("at").endswith("+00:00")
    assert event == {"state": "released", "by": "ann", "note": "please"}
    assert one["fields"] == [["X-Tamis-Verdict", "spam; action=hold"]]


def test_show_the_octets(quarantine: Quarantine, store: Store) -> None:
    raw = RAW + b"\xff\x00\x1b no end"
    name = hold(store, copy("bob@example.org"), copy("carol@example.org"), raw=raw)
    assert quarantine.run("show", name, "--raw") == (0, raw, b"")
    assert quarantine.run("show", f"{name}.2", "--raw") == (0, raw, b"")
    transitions.remove(store, list(states(store)), "ann")
    assert quarantine.bad("show", name, "--raw", status=1) == f"the octets of {name} are no longer kept"
    assert "no longer kept" in quarantine.good("show", name)


# release


def test_release_is_delivered_by_the_daemon(quarantine: Quarantine, store: Store, sink: Sink, daemon: None) -> None:
    name = hold(store, copy("bob@example.org"), copy("carol@example.org"))
    assert quarantine.good("release", name, "--note", "asked by phone") == (
        f"{name}.1 bob@example.org: delivered\n{name}.2 carol@example.org: delivered\n"
    )
    assert sorted(message.recipients[0] for message in sink.messages) == ["bob@example.org", "carol@example.org"]
    assert sink.messages[0].content.startswith(b"X-Icodia-SpamFilter-WL: Released by administrator\r\n")
    assert events(store, f"{name}.1")[0] == ("released", "administrator", "asked by phone")
    # Once more: nothing is sent.
    again = quarantine.good("release", f"{name}.1")
    assert again.startswith(f"{name}.1 bob@example.org: already delivered 20")
    assert again.endswith("UTC, released by administrator\n")
    assert len(sink.messages) == 2


def test_release_without_a_daemon(quarantine: Quarantine, store: Store) -> None:
    name = hold(store)
    said = "released, waits for the daemon\n"
    assert quarantine.good("release", name, "--wait", "0.3") == f"{name}.1 bob@example.org: {said}"
    assert quarantine.good("release", name, "--wait", "0") == f"{name}.1 bob@example.org: already {said}"
    assert states(store) == {f"{name}.1": "released"}


def test_release_that_the_mta_refuses(quarantine: Quarantine, store: Store, daemon: None) -> None:
    name = hold(store, copy("nobody@example.org"))
    said = quarantine.good("release", name, status=1)
    assert said == f"{name}.1 nobody@example.org: held again, not delivered: 550 5.1.1 nobody\n"
    other = hold(store, copy("full@example.org"), raw=RAW + b"x")
    said = quarantine.good("release", other, "--wait", "2")
    assert said == f"{other}.1 full@example.org: released, waits for the daemon (last answer: 450 4.2.2 full)\n"


def test_release_of_one_copy(quarantine: Quarantine, store: Store) -> None:
    name = hold(store, copy("bob@example.org"), copy("carol@example.org"))
    quarantine.good("release", f"{name}.2", "--by", "ann", "--wait", "0")
    assert states(store) == {f"{name}.1": "held", f"{name}.2": "released"}
    # Of a message the held copies are meant.
    assert quarantine.good("release", name, "--wait", "0").startswith(f"{name}.1 ")


def test_release_of_all_of_an_address(quarantine: Quarantine, store: Store) -> None:
    mine = [hold(store, copy("bob@example.org"), raw=RAW + b"%d" % number) for number in range(3)]
    other = hold(store, copy("carol@example.org"))
    said = quarantine.good("release", "--all-of", "Bob@Example.org", "--wait", "0").splitlines()
    assert [line.split()[0] for line in said] == [f"{name}.1" for name in mine]
    assert states(store)[f"{other}.1"] == "held"
    assert quarantine.good("release", "--all-of", "bob@example.org") == "nothing is held for bob@example.org\n"


def test_release_of_malware(quarantine: Quarantine, store: Store) -> None:
    name = hold(store, copy("bob@example.org", malware=True, because="Eicar-Test"), copy("carol@example.org"))
    assert quarantine.good("release", name, "--wait", "0", status=1) == (
        f"{name}.1 bob@example.org: stays held, for malware (Eicar-Test): --malware would release it\n"
        f"{name}.2 carol@example.org: released, waits for the daemon\n"
    )
    assert states(store)[f"{name}.1"] == "held"
    quarantine.good("release", name, "--malware", "--wait", "0")
    assert states(store)[f"{name}.1"] == "released"


def test_release_of_what_is_gone(quarantine: Quarantine, store: Store) -> None:
    old, gone = hold(store), hold(store, copy("carol@example.org"))
    transitions.remove(store, [f"{gone}.1"], "ann")
    age(store, 31, f"{old}.1")
    transitions.expire(store, 30)
    said = quarantine.good("release", old, gone, status=1).splitlines()
    assert said[0].startswith(f"{old}.1 bob@example.org: expired 20")
    assert said[0].endswith("UTC: it can no longer be released")
    assert said[1].endswith("UTC by ann: it can no longer be released")


def test_an_unknown_id_changes_nothing(quarantine: Quarantine, store: Store) -> None:
    name = hold(store)
    for action in ("release", "delete"):
        assert "is not known" in quarantine.bad(action, name, "0" * 16)
    assert states(store) == {f"{name}.1": "held"}


# delete


def test_delete(quarantine: Quarantine, store: Store) -> None:
    name = hold(store, copy("bob@example.org"), copy("carol@example.org"))
    assert quarantine.good("delete", f"{name}.1", "--note", "why") == f"{name}.1 bob@example.org: deleted\n"
    assert events(store, f"{name}.1") == [("deleted", "administrator", "why")]
    assert quarantine.good("delete", name) == f"{name}.2 carol@example.org: deleted\n"
    assert list(store.spool.digests()) == []
    again = quarantine.good("delete", f"{name}.1")
    assert again.startswith(f"{name}.1 bob@example.org: already deleted 20")


def test_delete_of_what_is_no_longer_held(quarantine: Quarantine, store: Store) -> None:
    name = hold(store)
    transitions.release(store, [f"{name}.1"], "ann", "")
    said = quarantine.good("delete", name, status=1)
    assert said.startswith(f"{name}.1 bob@example.org: released 20")
    assert said.endswith("UTC by ann: it can no longer be deleted\n")


# expire


def test_expire(quarantine: Quarantine, store: Store) -> None:
    old, new = hold(store), hold(store, copy("carol@example.org"), raw=RAW + b"x")
    age(store, 31, f"{old}.1")
    said = f"held longer than 30 days: 1 copy, of messages of {len(RAW)} octets\n"
    assert quarantine.good("expire", "--dry-run") == said
    assert states(store) == {f"{old}.1": "held", f"{new}.1": "held"}
    said = f"held longer than 30 days: 1 copy, now expired; {len(RAW)} octets of the spool given back\n"
    assert quarantine.good("expire") == said
    assert states(store)[f"{old}.1"] == "expired"
    assert "0 copies" in quarantine.good("expire")


def test_days_of_the_configuration_and_of_the_option(quarantine: Quarantine, store: Store) -> None:
    hold(store)
    age(store, 10)
    assert "1 copy" in quarantine.good("expire", "--dry-run", "--days", "9")
    assert "0 copies" in quarantine.good("expire", "--dry-run", "--days", "11")
    quarantine.configure("[quarantine]\ndays = 5\n")
    assert quarantine.good("expire", "--dry-run").startswith("held longer than 5 days: 1 copy")


# stats


def test_stats(quarantine: Quarantine, store: Store) -> None:
    hold(store, copy("bob@example.org"), copy("carol@example.org"))
    hold(store, copy("dave@example.net"), *parted("erin@example.net"), raw=RAW + b"x")
    outbox = Outbox(store)
    (outgoing,) = outbox.claim(1)
    results = [Result(one.copy_id, "451 \x1b later", one.addresses) for one in outgoing.recipients]
    outbox.record(outgoing, results, uncertain=True)
    text = quarantine.good("stats")
    lines = text.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["in", "example.org", "example.net"]
    assert f"spool: 2 messages of {2 * len(RAW) + 1} octets" in text
    assert "outbox: 1 copy" in text
    assert "451 ? later" in text
    assert "want of an answer: 1" in text
    assert [line.split()[0] for line in quarantine.good("stats", "example.org").splitlines()[1:4]] == [
        "example.org",
        "bob@example.org",
        "carol@example.org",
    ]
    assert "and 1 more" in quarantine.good("stats", "--limit", "1")
    found = quarantine.read("stats", "dave@example.net")
    assert found["total"]["copies"] == {"held": 1, "released": 0, "delivered": 0, "expired": 0, "deleted": 0}
    assert found["total"]["oldest_held"].endswith("+00:00")
    assert (found["each"], found["outbox"], found["possible_duplicates"]) == ([], [], 1)
    found = quarantine.read("stats")
    assert [one["whose"] for one in found["each"]] == ["example.org", "example.net"]
    assert found["outbox"][0]["copies"] == 1
    assert found["spool"] == {"messages": 2, "octets": 2 * len(RAW) + 1}


# As the service user


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_root_becomes_the_service_user(tmp_path: Path) -> None:
    """What root does leaves nothing of root's, and the daemon goes on with it."""
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)
    nobody = pwd.getpwnam("nobody")
    state = tmp_path / "state"
    state.mkdir()
    config = tmp_path / "tamis.toml"
    config.write_text(f'[daemon]\nuser = "nobody"\nstate_directory = "{state}"\n')
    store = Store(f"sqlite:///{state}/tamis.db", Spool(state / "spool"))
    name = hold(store)
    for path in (state, *state.rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    for words in (["list"], ["release", name, "--wait", "0"], ["delete", name], ["expire"]):
        command = [sys.executable, "-m", "tamis.cli", "quarantine", words[0], "-c", str(config), *words[1:]]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "SUDO_USER": "ann"})
        assert done.stderr == ""
    assert {path.stat().st_uid for path in (state, *state.rglob("*"))} == {nobody.pw_uid}
    assert events(store, f"{name}.1") == [("released", "ann", "")]
