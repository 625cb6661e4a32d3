"""`tamis complaint` and `tamis list import|export`, from files to verdicts."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tamis.cli import main
from tests.core.test_feedback_report import FIELDS, report

pytestmark = pytest.mark.slow

LETTER = b"From: Ann <ann@example.com>\nSubject: hello\n\nbody\n"


class Site:
    """Runs commands with a configuration of its own, and writes files beside it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.configure("")

    def configure(self, text: str) -> None:
        state = f'[daemon]\nuser = "root"\nstate_directory = "{self.folder}"\n'
        (self.folder / "tamis.toml").write_text(state + text, "utf-8")

    def file(self, name: str, content: str | bytes) -> str:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    def run(self, command: str, *arguments: str) -> tuple[int, str, str]:
        words = command.split()
        named = 1 if words[0] == "scan" else 2
        status = main([*words[:named], "-c", str(self.folder / "tamis.toml"), *words[named:], *arguments])
        out, err = self._capsys.readouterr()
        return status, out, err

    def good(self, command: str, *arguments: str) -> str:
        status, out, err = self.run(command, *arguments)
        assert (status, err) == (0, "")
        return out

    def bad(self, command: str, *arguments: str) -> str:
        status, out, err = self.run(command, *arguments)
        assert (status, out) == (2, "")
        assert err.count("\n") == 1
        return err.removeprefix("tamis: ").strip()

    def read(self, command: str, *arguments: str) -> Any:
        return json.loads(self.good(f"{command} --json", *arguments))

    def row(self, *about: str) -> str | None:
        """Return the number of the row that decides on a letter."""
        found: str | None = self.read("scan", *about, self.file("letter.eml", LETTER))["verdicts"][0]["row"]
        return found


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Site:
    return Site(tmp_path, capsys)


def reports(count: int, fields: str = FIELDS) -> list[bytes]:
    return [
        report(fields.replace("user@example.com", f"user{number}@example.com"), f"Message-ID: <{number}@example.com>\n")
        for number in range(count)
    ]


# From a report to a verdict


def test_reports_propose_and_a_person_decides(site: Site) -> None:
    files = [site.file(f"{number}.eml", raw) for number, raw in enumerate(reports(3))]
    assert site.good("complaint import", *files) == "9 new complaints, 0 known already\n"
    assert site.good("complaint import", *files) == "0 new complaints, 9 known already\n"
    found = {proposal["kind"]: proposal for proposal in site.read("complaint list")}
    assert {kind: proposal["value"] for kind, proposal in found.items()} == {
        "ip": "192.0.2.1",
        "sender": "somespammer@example.net",
        "domain": "example.net",
    }
    address = found["ip"]
    assert (address["complaints"], address["reporters"], address["types"]) == (3, 3, "3 abuse")
    assert (address["state"], address["on_list"], address["by"]) == ("open", False, None)
    assert site.row("--peer", "192.0.2.1") is None

    said = site.good("complaint accept 192.0.2.1 somespammer@example.net --by ann")
    assert said.startswith("added: complaint-ip of the platform: 192.0.2.1, until ")
    assert "added: complaint-sender of the platform: somespammer@example.net, until " in said
    assert site.row("--peer", "192.0.2.1") == "14"
    assert site.row("--peer", "192.0.2.2", "--sender", "somespammer@example.net") == "7b"
    days = [datetime.fromisoformat(entry["expires"]) - datetime.now(UTC) for entry in site.read("list show")]
    assert [round(span.total_seconds() / 86_400) for span in days] == [90, 90]

    assert site.good("complaint dismiss 192.0.2.1 --note solved") == "dismissed: 192.0.2.1, and taken off the list\n"
    assert site.good("complaint dismiss example.net") == "dismissed: example.net\n"
    assert site.row("--peer", "192.0.2.1") is None
    assert site.read("complaint list") == []
    assert [(p["value"], p["state"]) for p in site.read("complaint list --state all --kind ip")] == [
        ("192.0.2.1", "dismissed")
    ]
    assert "192.0.2.1" in site.good("complaint list --state dismissed")


def test_an_mbox_and_a_folder_of_reports(site: Site) -> None:
    mbox = b"".join(b"From desk Thu Jan  1 00:00:00 2026\n" + raw + b"\n" for raw in reports(4))
    assert site.good("complaint import", site.file("box", mbox)).startswith("12 new")
    for name in ("new", "cur", "tmp"):
        (site.folder / "desk" / name).mkdir(parents=True)
    for number, raw in enumerate(reports(5)):
        (site.folder / "desk" / "new" / str(number)).write_bytes(raw)
    assert site.good("complaint import", str(site.folder / "desk")) == "3 new complaints, 12 known already\n"


def test_what_complains_of_nobody_and_what_is_no_report(site: Site) -> None:
    kind = site.file("kind.eml", report(FIELDS.replace("abuse", "not-spam", 1)))
    assert site.good("complaint import", kind) == "0 new complaints, 0 known already\n"
    letter = site.file("letter.eml", LETTER)
    said = f"{letter}: is no feedback report (RFC 5965); nothing is imported (--skip-bad leaves wrong lines out)"
    assert site.bad("complaint import --format report", letter) == said
    status, out, err = site.run("complaint import --format report --skip-bad", letter, site.file("r", report()))
    assert (status, out) == (0, "3 new complaints, 0 known already\n")
    assert err == f"tamis: left out: {letter}: is no feedback report (RFC 5965)\n"


def test_our_own_are_never_proposed(site: Site) -> None:
    site.configure('[networks]\nown = ["192.0.2.0/24"]\n[domain."example.net"]\nlevel = 6\n')
    said = site.good("complaint import", site.file("r.eml", report()))
    assert said == "0 new complaints, 0 known already, 3 of our own left out\n"
    assert site.read("complaint list --state all") == []


def test_lists_of_complaints(site: Site) -> None:
    text = (
        "value,type,reporter,at\n192.0.2.7,fraud,ann,2026-01-02\n192.0.2.7,spam,bob,2026-01-03T10:00:00+01:00\n"
        "@Spammer.example,,,\nann@spammer.example\n"
    )
    name = site.file("list.csv", text)
    assert site.good("complaint import --source desk", name) == "4 new complaints, 0 known already\n"
    assert site.good("complaint import --source desk", name) == "0 new complaints, 4 known already\n"
    assert site.good("complaint import --source other", name).startswith("4 new")
    address = next(one for one in site.read("complaint list") if one["kind"] == "ip")
    assert (address["complaints"], address["reporters"], address["types"]) == (4, 2, "2 fraud, 2 other")
    assert (address["first_seen"], address["last_seen"]) == ("2026-01-02T00:00:00+00:00", "2026-01-03T09:00:00+00:00")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("192.0.2.7\nno such thing\n", ":2: 'no such thing' is not a mail address or domain; nothing is imported"),
        ("0.0.0.0/0\n", ":1: '0.0.0.0/0' is too wide: nobody complains of more than a /8;"),
        ("value,at\n192.0.2.7,soon\n", ":2: 'soon' is not a date"),
        ("value,kind\n192.0.2.7,ip\n", ": line 1: there is no column 'kind'"),
        ("a b\nc d\ne f\n", "; 2 more wrong lines; nothing is imported"),
    ],
)
def test_wrong_lists_of_complaints(site: Site, text: str, said: str) -> None:
    assert said in site.bad("complaint import", site.file("list", text))
    assert not (site.folder / "tamis.db").exists()


def test_decisions_on_what_is_not_there(site: Site) -> None:
    assert site.bad("complaint accept 192.0.2.7") == "there is no proposal for 192.0.2.7"
    assert "is not a mail address or domain" in site.bad("complaint dismiss", "a b")
    assert "--limit 0" in site.bad("complaint list --limit 0")
    assert "is in the past" in site.bad("complaint accept 192.0.2.7 --for 2020-01-01")


# A trusted feed


def test_a_trusted_feed_lists_at_once(site: Site) -> None:
    name = site.file("feed", "# of an official body\n192.0.2.0/24 ; why\n.phishing.example\nfraud@example.net\n")
    command = "complaint import --trusted --source body --expires 30d --licence"
    assert site.good(command, "Open Licence 2.0", name).splitlines() == [
        "complaint-ip of the platform: 1 added, 0 renewed, 0 as they were",
        "complaint-sender of the platform: 2 added, 0 renewed, 0 as they were",
    ]
    assert site.row("--peer", "192.0.2.99") == "14"
    assert site.row("--peer", "198.51.100.1", "--sender", "x@a.phishing.example") == "7b"
    assert site.read("complaint list --state all") == []
    exported = list(csv.DictReader(io.StringIO(site.good("list export complaint-sender"))))
    assert [(row["value"], row["source"], row["licence"]) for row in exported] == [
        (".phishing.example", "body", "Open Licence 2.0"),
        ("fraud@example.net", "body", "Open Licence 2.0"),
    ]
    left = datetime.fromisoformat(exported[0]["expires"]) - datetime.now(UTC)
    assert timedelta(days=29) < left <= timedelta(days=30)


def test_a_trusted_feed_has_a_source_a_licence_and_an_end_and_is_a_list(site: Site) -> None:
    name = site.file("feed", "192.0.2.7\n")
    assert site.bad("complaint import --trusted", name).startswith(
        "--trusted needs --source and --licence and --expires"
    )
    assert "needs --expires:" in site.bad("complaint import --trusted --source a --licence b", name)
    mail = site.file("r.eml", report())
    said = site.bad("complaint import --trusted --source a --licence b --expires 1d", mail)
    assert said == f"{mail}: is mail, one person's word: --trusted is for lists"


def test_a_trusted_feed_never_lists_our_own(site: Site) -> None:
    site.configure('[networks]\ntrusted_relays = ["192.0.2.7"]\n[aliases]\nlocal_domains = ["ours.example"]\n')
    name = site.file("feed", "192.0.2.7\nours.example\nann@ours.example\n127.0.0.0/8\n")
    said = site.good("complaint import --trusted --source a --licence b --expires 1d", name)
    assert said == "nothing to import\n"


# Lists as files


def test_import_of_one_value_a_line(site: Site) -> None:
    name = site.file("values", "192.0.2.7\n# more\n192.0.2.0/24\n")
    said = "blacklist-ip of the platform: 2 added, 0 renewed, 0 as they were\n"
    assert site.good("list import blacklist-ip --source ann --note why", name) == said
    assert site.good("list import blacklist-ip --source ann --note why", name) == said.replace(
        "2 added, 0 renewed, 0 as", "0 added, 0 renewed, 2 as"
    )
    entry = site.read("list show blacklist-ip")[0]
    assert (entry["by"], entry["note"], entry["expires"]) == ("ann", "why", None)


def test_export_and_import_of_every_list(site: Site, tmp_path: Path) -> None:
    """What one site exports, another imports, and exports the same."""
    values = {
        "whitelist-ip": "192.0.2.7",
        "whitelist-sender": "ann@example.net",
        "blacklist-ip": "2001:db8::/32",
        "blacklist-sender": ".spammer.example",
        "ban-ip": "198.51.100.1",
        "trap": "hidden@example.org",
        "flagged": "192.0.2.7 " + "a" * 40,
        "malware-hash": "b" * 64,
        "complaint-ip": "203.0.113.0/24",
        "complaint-sender": "fraud.example",
    }
    other = tmp_path / "other"
    other.mkdir()
    elsewhere = Site(other, site._capsys)
    for name, value in values.items():
        site.good(f"list add {name}", value, "--by", "ann", "--note", 'said "no", twice', "--expires", "2099-01-01")
        exported = site.good(f"list export {name}")
        assert exported.splitlines()[0] == "value,source,expires,licence,note"
        assert "1 added" in elsewhere.good(f"list import {name}", elsewhere.file("list", exported))
        assert elsewhere.good(f"list export {name}") == exported
        assert site.good(f"list export {name} --plain") == f"{value}\n"


def test_a_domains_list(site: Site) -> None:
    name = site.file("values", "ann@example.net\n")
    assert "of example.org: 1 added" in site.good("list import whitelist-sender --domain example.org", name)
    assert site.good("list export whitelist-sender --plain --domain example.org") == "ann@example.net\n"
    assert site.good("list export whitelist-sender --plain") == ""
    assert "hold for the whole platform" in site.bad("list import complaint-ip --domain example.org", name)


def test_csv_says_more_than_the_options(site: Site) -> None:
    rows = (
        "value,source,expires,licence,note\na.example,feed,2099-01-01,CC BY,x\nb.example,,,,\nc.example,,2020-01-01,,\n"
    )
    said = site.good("list import blacklist-sender --source ann --expires 1d --note y", site.file("list.csv", rows))
    assert said.splitlines()[1] == "1 left out, which have ended"
    first, second = site.read("list show blacklist-sender")
    assert (first["by"], first["expires"], first["note"]) == ("feed", "2099-01-01T00:00:00+00:00", "x")
    assert (second["by"], second["note"]) == ("ann", "y")


def test_a_wrong_line_is_named_and_nothing_imported(site: Site) -> None:
    name = site.file("values", "192.0.2.7\n\nnonsense\n192.0.2.9/8\n\xff\n")
    said = site.bad("list import blacklist-ip", name)
    assert said.startswith(f"{name}:3: 'nonsense' is not an IP address or network")
    assert said.endswith("; 2 more wrong lines; nothing is imported (--skip-bad leaves wrong lines out)")
    assert not (site.folder / "tamis.db").exists()
    status, out, err = site.run("list import blacklist-ip --skip-bad", name)
    assert (status, out) == (0, "blacklist-ip of the platform: 1 added, 0 renewed, 0 as they were\n")
    assert [line.split(":")[3] for line in err.splitlines()] == ["3", "4", "5"]
    assert err.isprintable() or all(line.isprintable() for line in err.splitlines())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("value,expires\na.example,soon\n", ":2: 'soon' is neither a span such as 7d nor a date"),
        ("value,source,licence\na.example,f,x\nb.example,f,y\n", ":3: the source 'f' has two licences: 'x' and 'y'"),
        ("value,note\n,x\n", ":2: '' is not a mail address or domain"),
        ("value,nots\n", ": line 1: there is no column 'nots'; did you mean 'note'?"),
        ("a" * 5000 + "\n", "is longer than 320 characters"),
    ],
)
def test_wrong_files(site: Site, text: str, said: str) -> None:
    assert said in site.bad("list import blacklist-sender", site.file("list", text))


def test_wrong_lines_that_are_many_are_counted(site: Site) -> None:
    status, _, err = site.run("list import blacklist-ip --skip-bad", site.file("values", "nonsense\n" * 100))
    assert status == 0
    assert err.splitlines()[-1] == "tamis: left out: 90 more wrong lines"
    assert err.count("\n") == 11


def test_no_such_file(site: Site) -> None:
    for command in ("list import blacklist-ip", "complaint import"):
        status, _, err = site.run(command, "/nowhere")
        assert status == 1
        assert err == "tamis: /nowhere: No such file or directory\n"
