"""The commands: exit status 0 only for success, one clear line on bad input, JSON where a program reads it."""

import io
import json
import os
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tamis.authentication import evidence
from tamis.bans import Offence
from tamis.cli import main
from tamis.consequences import counted_as
from tamis.filters.order import ORDER
from tamis.privileges import become_service_user
from tamis.redis_client import RedisClient
from tamis.shared_state import shared_state
from tests.authentication.signing import signed, zone
from tests.dns_server import DnsServer
from tests.redis_server import Server

pytestmark = pytest.mark.slow

MESSAGE = b"From: Ann <ann@example.net>\nTo: bob@example.org\nSubject: hello\n\nbody\n"


class Tamis:
    """Runs commands with a configuration of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.file = folder / "tamis.toml"
        self._capsys = capsys
        self.configure("")

    def configure(self, text: str) -> None:
        state = f'[daemon]\nuser = "root"\nstate_directory = "{self.folder}"\n'
        self.file.write_text(state + text, encoding="utf-8")

    def run(self, command: str, *arguments: str) -> tuple[int, str, str]:
        words = command.split()
        actions = {"show", "set", "unset", "list", "history"}
        named = 2 if words[0] == "list" or (words[0] == "policy" and actions & {*words[1:2]}) else 1
        options = ["-c", str(self.file)] if words[0] != "check-config" else []
        try:
            status = main([*words[:named], *options, *words[named:], *arguments])
        except SystemExit as left:
            status = int(left.code or 0)
        out, err = self._capsys.readouterr()
        return status, out, err

    def good(self, command: str, *arguments: str) -> str:
        status, out, err = self.run(command, *arguments)
        assert (status, err) == (0, "")
        return out

    def bad(self, command: str, *arguments: str, status: int = 2) -> str:
        """Return the one line that a failing command prints."""
        found, out, err = self.run(command, *arguments)
        assert (found, out) == (status, "")
        assert err.count("\n") == 1, err
        assert err.startswith("tamis: ")
        assert "Traceback" not in err
        return err.strip().removeprefix("tamis: ")

    def read(self, command: str, *arguments: str) -> Any:
        return json.loads(self.good(command, "--json", *arguments))


@pytest.fixture
def tamis(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Tamis:
    monkeypatch.setattr("tamis.commands.list.become_service_user", lambda config: None)
    monkeypatch.setenv("COLUMNS", "80")
    return Tamis(tmp_path, capsys)


@pytest.fixture
def eml(tmp_path: Path) -> Path:
    path = tmp_path / "message.eml"
    path.write_bytes(MESSAGE)
    return path


def limited(text: str, width: int = 200) -> str:
    assert all(len(line) <= width for line in text.splitlines())
    return text


# What every command does


@pytest.mark.parametrize(
    "command", ["", "serve", "scan", "train", "learn", "evaluate", "filters", "tests", "policy", "list", "list add",
                "list remove", "list show", "list import", "list export", "list bans",
                "complaint", "complaint import", "complaint list", "complaint accept", "complaint dismiss",
                "list ban", "list unban", "list flag", "list unflag",
                "quarantine", "quarantine list", "quarantine show", "quarantine release",
                "quarantine delete", "quarantine expire", "quarantine flag", "quarantine stats",
                "database", "database check", "database upgrade", "check-config"]
)  # fmt: skip
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([*command.split(), "--help"])
    assert left.value.code == 0
    assert "usage: tamis" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [[], ["nonsense"], ["scan"], ["list"], ["list", "add"], ["filters", "--nonsense"]]
)
def test_bad_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert "tamis" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", ["filters", "tests", "policy example.org", "list show", "list add whitelist-ip 192.0.2.7", "scan -"]
)
def test_a_bad_configuration(tamis: Tamis, command: str) -> None:
    tamis.configure("worker = 3\n")
    assert tamis.bad(command) == f"{tamis.file}:4: daemon.worker: unknown key; did you mean 'workers'?"
    tamis.file.unlink()
    assert tamis.bad(command) == f"{tamis.file}: No such file or directory"


def test_the_configuration_of_the_environment(
    tamis: Tamis, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tamis.configure("[policy.filters.bayes]\nenabled = false\n")
    monkeypatch.setenv("TAMIS_CONFIG", str(tamis.file))
    assert main(["filters", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["bayes"]["enabled"] is False


def test_a_closed_pipe_is_no_traceback(tamis: Tamis) -> None:
    command = f"{sys.executable} -m tamis.cli tests -c {tamis.file} | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, env=os.environ)
    assert done.stderr == ""
    assert done.stdout.startswith("test")


def test_a_terminal_without_unicode(tamis: Tamis, eml: Path) -> None:
    eml.write_bytes("Subject: été 你好\n\nété\n".encode())
    command = [sys.executable, "-m", "tamis.cli", "scan", "-c", str(tamis.file), "--all", str(eml)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")


# filters, tests


def test_filters(tamis: Tamis) -> None:
    rows = tamis.read("filters")
    assert [(row["number"], row["name"], row["stage"]) for row in rows] == [
        (row.number, row.name, row.stage.value) for row in ORDER
    ]
    assert {row["state"] for row in rows} == {"built"}
    assert [row["number"] for row in rows if not row["enabled"]] == ["3", "29", "30"]
    printed = tamis.good("filters").splitlines()
    assert len(printed) == 1 + len(ORDER)
    assert all(row.question in line for row, line in zip(ORDER, printed[1:], strict=True))


def test_tests(tamis: Tamis) -> None:
    found = tamis.read("tests")
    names = [*(name for row in ORDER if row.filter for name in row.filter.tests), *evidence.TESTS]
    assert [test["name"] for test in found] == names
    assert all(isinstance(test["weight"], float) for test in found)
    weights = {test["name"]: test["weight"] for test in found}
    given = {name: points for row in ORDER if row.filter for name, points in row.filter.given.items()}
    assert {name: weights[name] for name in given} == given
    assert weights["FROM_NAME_BRAND"] == 1.5
    assert len(tamis.good("tests").splitlines()) == 1 + len(names)


def test_a_damaged_model(tamis: Tamis) -> None:
    (tamis.folder / "model.bin").write_bytes(b"this is no model")
    assert "not a model" in tamis.bad("tests")


# policy


def test_policy(tamis: Tamis) -> None:
    tamis.configure(
        '[policy]\nlevel = 9\n[domain."example.org"]\nmode = "tag"\nwhitelist_ip = ["192.0.2.7"]\n'
        '[lists]\nblacklist_sender = ["evil.example"]\n'
    )
    tamis.good("list add whitelist-sender ann@example.net --domain example.org --expires 2099-01-01")
    tamis.good("list add whitelist-sender ann@example.net --domain example.com")
    tamis.good("list add malware-hash", "a" * 64)
    found = tamis.read("policy Example.ORG.")
    assert found["owner"] == "example.org"
    assert found["values"]["level"] == {"value": 9.0, "source": f"{tamis.file}:5", "set_in": "file"}
    assert found["values"]["mode"] == {"value": "tag", "source": f"{tamis.file}:7", "set_in": "file"}
    assert found["values"]["antispam"] == {"value": True, "source": "default", "set_in": "default"}
    assert found["values"]["filters.cyrillic.ratio"]["value"] == 0.0
    entries = {(entry["list"], entry["value"], entry["scope"]) for entry in found["lists"]}
    assert entries == {
        ("blacklist_sender", "evil.example", "platform"),
        ("whitelist_ip", "192.0.2.7", "example.org"),
        ("whitelist_sender", "ann@example.net", "example.org"),
    }
    printed = limited(tamis.good("policy example.org"))
    assert f"{tamis.file}:7" in printed
    assert "until 2099-01-01 00:00 UTC" in printed


@pytest.mark.parametrize("domain", ["", ".example.org", "a b", "example..org", "*"])
def test_policy_of_what_is_no_domain(tamis: Tamis, domain: str) -> None:
    assert tamis.bad("policy", domain) == f"{domain!r} is not a domain name"


# list


def test_add_show_remove(tamis: Tamis) -> None:
    assert tamis.read("list show") == []
    before = datetime.now(UTC) - timedelta(seconds=1)
    added = tamis.good("list add whitelist-ip 192.0.2.0/24 --by ann --note", "why not")
    assert added == "added: whitelist-ip of the platform: 192.0.2.0/24\n"
    assert tamis.good("list add whitelist-ip 192.0.2.0/24 --by bob").startswith("renewed: ")
    assert tamis.good("list add blacklist-sender @Evil.Example --domain Example.ORG --expires 7d").startswith("added: ")
    sender, network = tamis.read("list show")
    assert (network["list"], network["domain"], network["value"]) == ("whitelist_ip", None, "192.0.2.0/24")
    assert (network["by"], network["expires"], network["note"]) == ("bob", None, "")
    assert datetime.fromisoformat(network["at"]) > before
    assert (sender["domain"], sender["value"]) == ("example.org", "evil.example")
    left = datetime.fromisoformat(sender["expires"]) - before
    assert timedelta(days=7) <= left < timedelta(days=7, minutes=1)
    assert tamis.read("list show whitelist-ip") == [network]
    assert tamis.read("list show --domain example.org") == [sender]
    assert len(tamis.good("list show").splitlines()) == 3
    assert tamis.good("list remove whitelist-ip 192.0.2.0/24").startswith("removed: ")
    assert "is not on whitelist-ip of the platform" in tamis.bad("list remove whitelist-ip 192.0.2.0/24")
    assert tamis.read("list show") == [sender]


def test_entries_of_the_file_are_shown_and_not_removed(tamis: Tamis) -> None:
    tamis.configure('[lists]\nwhitelist_ip = ["192.0.2.7"]\n')
    (entry,) = tamis.read("list show")
    assert (entry["value"], entry["by"], entry["at"]) == ("192.0.2.7", f"{tamis.file}:5", None)
    assert f"it is written in {tamis.file}:5" in tamis.bad("list remove whitelist-ip 192.0.2.7")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["whitelist-ip", "nonsense"], "'nonsense' is not an IP address or network"),
        (["whitelist-ip", "192.0.2.7/24"], "has host bits set"),
        (["blacklist-sender", "a b"], "'a b' is not a mail address or domain"),
        (["whitelist-ip", "192.0.2.7", "--domain", "ann @example.org"], "'ann @example.org' is not a mail address"),
        (["trap", "ann@example.org", "--address", "ann@example.org"], "a trap is an address of the platform or of"),
        (["whitelist-ip", "192.0.2.7", "--expires", "soon"], "is neither a span such as 7d nor a date"),
        (["whitelist-ip", "192.0.2.7", "--expires", "2001-01-01"], "is in the past"),
        (["whitelist-ip", "192.0.2.7", "--expires", "0d"], "is in the past"),
        (["whitelist-ip", "192.0.2.7", "--expires", "-7d"], ""),
        (["whitelist-ip", "192.0.2.7", "--expires", ""], "is neither a span"),
        (["whitelist-ip", "192.0.2.7", "--expires", "9999-12-31T23:59:59-12:00"], "is neither a span"),
        (["whitelist-ip", "192.0.2.7", "--expires", "0001-01-01T00:00:00+12:00"], "is neither a span"),
        (["whitelist-ip", "192.0.2.7", "--expires", "2030-02-30"], "is neither a span"),
    ],
)
def test_bad_entries(tamis: Tamis, arguments: list[str], line: str) -> None:
    if "-7d" in arguments:
        arguments = [*arguments[:-2], "--expires=-7d"]
    assert line in tamis.bad("list add", *arguments)
    assert not (tamis.folder / "tamis.db").exists()


def test_bans(tamis: Tamis) -> None:
    """For a day unless told otherwise: an address changes its user sooner or later."""
    assert re.fullmatch(
        r"added: ban-ip of the platform: 192.0.2.7, until \S+ \S+ UTC\n", tamis.good("list ban 192.0.2.7")
    )
    tamis.good("list ban 192.0.2.0/24 --for 15m --domain example.org --by ann", "--note", "hits traps")
    tamis.good("list ban 2001:db8::/32 --expires 2099-01-01")
    of_domain, forever, day = sorted(tamis.read("list show ban-ip"), key=lambda entry: str(entry["expires"]))
    left = [datetime.fromisoformat(entry["expires"]) - datetime.now(UTC) for entry in (of_domain, forever)]
    assert [round(span.total_seconds() / 60) for span in left] == [15, 24 * 60]
    assert (of_domain["domain"], of_domain["by"], of_domain["note"]) == ("example.org", "ann", "hits traps")
    assert day["expires"].startswith("2099-01-01")
    assert tamis.good("list unban 192.0.2.7") == "removed: ban-ip of the platform: 192.0.2.7\n"
    assert "is not on ban-ip of the platform" in tamis.bad("list unban 192.0.2.7")
    assert "is not an IP address or network" in tamis.bad("list ban spammer.example")


def test_bans_in_force(tamis: Tamis) -> None:
    """Those of the configuration, those made by command and, with a Redis, automatic ones."""
    tamis.configure('[lists]\nban_ip = ["198.51.100.1"]\n')
    tamis.good("list ban 192.0.2.7 --domain example.org --by ann", "--note", "hits traps")
    tamis.good("list ban 192.0.2.8 --expires 2099-01-01")
    found = {ban["network"]: ban for ban in tamis.read("list bans")}
    assert set(found) == {"198.51.100.1", "192.0.2.7", "192.0.2.8"}
    assert (found["192.0.2.7"]["domain"], found["192.0.2.7"]["why"]) == ("example.org", "hits traps")
    assert [ban["network"] for ban in tamis.read("list bans --domain example.org")] == ["192.0.2.7"]
    assert re.search(r"198.51.100.1 +platform +\S+tamis.toml:\d+ +for ever", tamis.good("list bans"))


@pytest.mark.servers
def test_automatic_bans(tamis: Tamis, server: Server) -> None:
    tamis.configure(f'[redis]\nurl = "{server.url}"\n')
    shared, now = shared_state(RedisClient(server.url)), datetime.now(UTC)
    for network, domain in (("192.0.2.7", ""), ("192.0.2.7", "example.org"), ("2001:db8::/64", "")):
        shared.counters.count(counted_as("trap", domain, network), ["x"], now, 3600)
        offence = Offence(5, 20, 0.5, "5 messages to traps within 60 min")
        assert shared.bans.ban(network, domain, offence, shared.ham, now, first=900, longest=86_400)
    found = tamis.read("list bans")
    assert sorted((ban["network"], ban["domain"] or "") for ban in found) == [
        ("192.0.2.7", ""), ("192.0.2.7", "example.org"), ("2001:db8::/64", ""),
    ]  # fmt: skip
    assert {(ban["by"], ban["why"], ban["times"]) for ban in found} == {
        ("automatic", "5 messages to traps within 60 min", 1)
    }
    assert "192.0.2.7      platform     automatic  " in tamis.good("list bans")
    tamis.good("list ban 192.0.2.7")
    assert tamis.good("list unban 192.0.2.7") == (
        "removed: automatic ban of the platform: 192.0.2.7\nremoved: ban-ip of the platform: 192.0.2.7\n"
    )
    assert tamis.good("list unban 2001:db8::1234") == "removed: automatic ban of the platform: 2001:db8::/64\n"
    assert "is not on ban-ip" in tamis.bad("list unban 192.0.2.7")
    (left,) = tamis.read("list bans")
    assert left["domain"] == "example.org"
    assert len(server.client.keys("tamis:count:*")) == 1


def test_redis_that_does_not_answer_is_said(tamis: Tamis) -> None:
    tamis.configure(f'[redis]\nurl = "unix://{tamis.folder}/none.sock"\n')
    tamis.good("list ban 192.0.2.7")
    status, out, err = tamis.run("list bans --json")
    assert (status, err) == (1, "tamis: automatic bans are not known: Redis does not answer\n")
    assert [ban["network"] for ban in json.loads(out)] == ["192.0.2.7"]
    status, out, err = tamis.run("list unban 192.0.2.7")
    assert (status, err) == (1, "tamis: automatic bans are not known: Redis does not answer\n")
    assert out == "removed: ban-ip of the platform: 192.0.2.7\n"


def test_flagged_messages(tamis: Tamis, eml: Path) -> None:
    assert tamis.good("list flag --peer 192.0.2.7", str(eml)).startswith("added: flagged of the platform: 192.0.2.7 ")
    (entry,) = tamis.read("list show flagged")
    days = (datetime.fromisoformat(entry["expires"]) - datetime.now(UTC)).total_seconds() / 86_400
    assert round(days, 2) == 30
    eml.write_bytes(b"Received: elsewhere\n" + MESSAGE.replace(b"bob@", b"carol@"))
    assert tamis.read("scan --peer 192.0.2.7", str(eml))["verdicts"][0]["test"] == "FLAGGED_CONTENT"
    assert tamis.read("scan --peer 192.0.2.8", str(eml))["verdicts"][0]["row"] is None
    assert tamis.good("list unflag --peer 192.0.2.7", str(eml)).startswith("removed: ")
    assert tamis.read("list show") == []


def test_messages_that_cannot_be_flagged(tamis: Tamis, eml: Path) -> None:
    assert tamis.bad("list flag --peer nonsense", str(eml)) == "--peer 'nonsense' is not an IP address"
    assert "no such file" in tamis.bad("list flag --peer 192.0.2.7 /nowhere.eml", status=1).lower()
    eml.write_bytes(b"Subject: nothing\n\n")
    assert tamis.bad("list flag --peer 192.0.2.7", str(eml)).endswith("no text and no attachment to compare")
    eml.write_bytes(b"\n" + b"a" * 5_000_000)
    assert "too large" in tamis.bad("list flag --peer 192.0.2.7", str(eml))


def test_hashes_of_malware(tamis: Tamis) -> None:
    digest = "a" * 64
    assert tamis.good(f"list add malware-hash {digest.upper()}").startswith("added: malware-hash of the platform: ")
    assert "for the whole platform" in tamis.bad(f"list add malware-hash {digest} --domain example.org")
    assert "is not a SHA-256" in tamis.bad("list add malware-hash abc")
    assert [entry["value"] for entry in tamis.read("list show malware-hash")] == [digest]


def test_an_unknown_list(tamis: Tamis) -> None:
    status, out, err = tamis.run("list add greylist 192.0.2.7")
    assert (status, out) == (2, "")
    assert "whitelist-ip" in err


@pytest.mark.parametrize("expires", ["30m", "12h", "7d", "99999w", "2099-01-31", "2099-01-31T12:00+02:00"])
def test_every_spelling_of_an_end(tamis: Tamis, expires: str) -> None:
    tamis.good("list add whitelist-ip 192.0.2.7 --expires", expires)
    (entry,) = tamis.read("list show")
    assert datetime.fromisoformat(entry["expires"]) > datetime.now(UTC)


def test_a_long_note_is_printed_whole_into_a_pipe(tamis: Tamis) -> None:
    note, sender = "n" * 255, "a" * 60 + "@" + "b." * 90 + "example"
    tamis.good("list add blacklist-sender", sender, "--note", note, "--by", "w" * 250)
    printed = tamis.good("list show")
    assert note in printed
    assert sender in printed


@pytest.mark.parametrize(
    "command",
    ["list show", "list add whitelist-ip 192.0.2.7", "list remove whitelist-ip 192.0.2.7", "policy example.org"],
)
def test_an_unreadable_database(tamis: Tamis, command: str) -> None:
    (tamis.folder / "tamis.db").write_bytes(b"this is no database" * 100)
    assert "not a database" in tamis.bad(command, status=1)
    (tamis.folder / "tamis.db").unlink()
    (tamis.folder / "tamis.db").mkdir()
    assert "unable to open" in tamis.bad(command, status=1)


def test_a_database_that_is_none(tamis: Tamis) -> None:
    tamis.configure('[database]\nurl = "nonsense"\n')
    line = tamis.bad("check-config", str(tamis.file))
    assert line.startswith(f"{tamis.file}:5: database.url: not a database url")
    assert tamis.bad("list show") == line


def test_the_service_user(tamis: Tamis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tamis.commands.list.become_service_user", become_service_user)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    tamis.file.write_text('[daemon]\nuser = "no-such-user-here"\n', encoding="utf-8")
    assert "the user 'no-such-user-here' (daemon.user) does not exist" in tamis.bad("list add whitelist-ip 192.0.2.7")


# check-config


def test_check_config(tamis: Tamis) -> None:
    tamis.configure('socket_group = "root"\n[policy]\nmode = "tag"\n')
    assert tamis.good("check-config", str(tamis.file)) == f"{tamis.file}: valid\n"
    assert tamis.good("check-config", "-c", str(tamis.file)) == f"{tamis.file}: valid\n"


def test_check_config_warns_where_nothing_held_can_get_out(tamis: Tamis) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mta:
        server = f'server = "127.0.0.1:{mta.getsockname()[1]}"'
        closed = 'mailbox_server = "127.0.0.1:1"'
        tamis.configure(f'socket_group = "root"\n[delivery]\n{server}\n{closed}\n')
        _, _, err = tamis.run("check-config", str(tamis.file))
        assert err.count("warning") == 1
        assert f"{tamis.file}:7: delivery.mailbox_server: nobody answers at 127.0.0.1:1 (Connection refused)" in err
        tamis.configure(f'socket_group = "root"\n[delivery]\n{server}\n{closed}\n[policy]\nmode = "tag"\n')
        assert tamis.good("check-config", str(tamis.file)) == f"{tamis.file}: valid\n"


def test_switching_attachment_hashes_off_is_warned_of(tamis: Tamis) -> None:
    off = "filters.attachment-hashes.enabled = false\n"
    tamis.configure(f'[policy]\nmode = "tag"\n{off}[domain."a.example"]\nlevel = 6\n[domain."b.example"]\n{off}')
    _, out, err = tamis.run("check-config", str(tamis.file))
    assert out == f"{tamis.file}: valid\n"
    warned = [line for line in err.splitlines() if "need an optimal security policy" in line]
    assert [line.partition(": once it is off")[0] for line in warned] == [
        f"warning: {tamis.file}:6: policy.filters.attachment-hashes",
        f'warning: {tamis.file}:10: domain."b.example".filters.attachment-hashes',
    ]
    confirmed = off + "filters.attachment-hashes.off_confirmed = true\n"
    tamis.configure(f'[policy]\nmode = "tag"\n{confirmed}[domain."b.example"]\nfilters.attachment-hashes.minutes = 5\n')
    assert "optimal security policy" not in tamis.run("check-config", str(tamis.file))[2]


def test_check_config_warns_of_aliases_that_lead_nowhere_but_away(tamis: Tamis) -> None:
    tamis.configure('socket_group = "root"\n[aliases]\nmaps = ["hash:/etc/postfix/virtual"]\n[policy]\nmode = "tag"\n')
    status, _, err = tamis.run("check-config", str(tamis.file))
    assert (status, err.count("warning: ")) == (0, 1)
    assert f"{tamis.file}:6: aliases.local_domains: not set: no mailbox is here" in err


def test_check_config_warns_of_a_dns_list_that_is_alone(tamis: Tamis) -> None:
    tamis.configure('[dnslists.one]\nzone = "one.example"\nkind = "ip"\n')
    assert (
        "dnslists.one: the only list of kind ip: row maps-rbl decides" in tamis.run("check-config", str(tamis.file))[2]
    )
    tamis.configure('[dnslists.one]\nzone = "one.example"\nkind = "ip"\n[policy.filters.maps-rbl]\nanswers = 1\n')
    assert "dnslists" not in tamis.run("check-config", str(tamis.file))[2]


def test_check_config_warns_of_a_public_resolver(tamis: Tamis) -> None:
    tamis.configure('[dns]\nservers = ["127.0.0.1", "8.8.8.8"]\n')
    status, _, err = tamis.run("check-config", str(tamis.file))
    assert status == 0
    assert f"warning: {tamis.file}:5: dns.servers: 8.8.8.8:53 is a public resolver (Google): DNS lists refuse" in err
    assert "127.0.0.1:53" not in err


def test_check_config_names_every_mistake(tamis: Tamis) -> None:
    tamis.configure("[policy]\nlevel = 5\nmode = 3\n")
    status, out, err = tamis.run("check-config", str(tamis.file))
    assert (status, out, len(err.splitlines())) == (2, "", 2)
    assert all(line.startswith(f"tamis: {tamis.file}:") for line in err.splitlines())


def test_check_config_of_a_directory(tamis: Tamis) -> None:
    assert tamis.bad("check-config", str(tamis.folder)) == f"{tamis.folder}: Is a directory"


# scan


def test_scan(tamis: Tamis, eml: Path) -> None:
    arguments = (
        "scan --peer 192.0.2.7 --helo x --rdns y --sender ann@example.net --rcpt a@example.org --rcpt b@example.org"
    )
    found = tamis.read(arguments, str(eml))
    assert (found["file"], found["peer"], found["helo"], found["rdns"]) == (str(eml), "192.0.2.7", "x", "y")
    assert found["recipients"] == ["a@example.org", "b@example.org"]
    assert [verdict["verdict"] for verdict in found["verdicts"]] == ["ham", "ham"]
    for verdict in found["verdicts"]:
        assert round(sum(verdict["tests"].values()), 6) == verdict["score"]
    assert {row["name"] for row in found["rows"]} >= {"bayes", "malformed-headers", "whitelisted-ip"}
    assert found["size"] == len(MESSAGE)


def test_scan_says_what_other_levels_would_have_done(tamis: Tamis, eml: Path) -> None:
    printed = tamis.good("scan --sender ann@example.net", str(eml))
    (line,) = [line for line in printed.splitlines() if line.startswith("  by its score ")]
    levels = re.findall(r"\d+(?:\.\d)?", line)
    assert levels == ["3", "4.5", "6", "7.5", "9", "10.5", "12"]
    spam, _, ham = line.rpartition("ham at level")
    (score,) = re.findall(r"score (-?[\d.]+), level", printed)
    assert all(float(level) <= float(score) for level in re.findall(r"\d+(?:\.\d)?", spam))
    assert all(float(level) > float(score) for level in re.findall(r"\d+(?:\.\d)?", ham))


def test_scan_explains(tamis: Tamis, eml: Path) -> None:
    tamis.configure('[lists]\nblacklist_sender = ["example.net"]\n')
    printed = tamis.good("scan --sender ann@example.net", str(eml))
    assert "spam (row 9, blacklisted-sender: envelope sender matches example.net" in printed
    everything = tamis.good("scan --all", str(eml))
    assert "rows asked" in everything
    assert len(everything) > len(printed)


def test_scan_takes_the_sender_from_return_path(tamis: Tamis, eml: Path) -> None:
    eml.write_bytes(b"Return-Path: <Bounce@example.net>\n" + MESSAGE)
    assert tamis.read("scan", str(eml))["sender"] == "bounce@example.net"
    assert tamis.read("scan", "--sender", "", str(eml))["sender"] == ""
    eml.write_bytes(b"Return-Path: <>\n" + MESSAGE)
    assert tamis.read("scan", str(eml))["sender"] == ""


def test_scan_does_not_take_a_sender_nobody_said_for_the_null_sender(tamis: Tamis, eml: Path) -> None:
    """Row 11 abstains on a message in a file without Return-Path:, and answers where the null sender is said."""
    eml.write_bytes(b"From: ann@example.net\n\nhello\n")
    assert "envelope sender not known" in tamis.good("scan", str(eml))
    assert "MISSING_SENDER_ABSTAINED" in tamis.read("scan", str(eml))["verdicts"][0]["tests"]
    assert "from <>" in tamis.good("scan --sender=", str(eml))
    eml.write_bytes(b"Return-Path: <>\n" + eml.read_bytes())
    assert tamis.read("scan", str(eml))["verdicts"][0]["tests"]["NULL_SENDER_ODD"] == 1


def test_scan_of_standard_input(tamis: Tamis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(MESSAGE)))
    found = tamis.read("scan", "-")
    assert (found["file"], found["size"]) == ("-", len(MESSAGE))


def test_scan_of_a_pipe(tamis: Tamis) -> None:
    """As the shell's ``<(...)`` gives it: it has no size of its own."""
    there, here = os.pipe()
    os.write(here, b"Subject: x\n\nbody\n")
    os.close(here)
    assert tamis.read("scan", f"/dev/fd/{there}")["size"] == 17
    os.close(there)


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"\0" * 1000, bytes(range(256)) * 50, b"\xff" * 100, b"From \n", b":" * 1000, b"\r" * 1000],
    ids=["empty", "newline", "nul", "binary", "high", "from", "colons", "cr"],
)
@pytest.mark.parametrize("option", ["--json", "--all"])
def test_scan_of_garbage(tamis: Tamis, eml: Path, content: bytes, option: str) -> None:
    eml.write_bytes(content)
    printed = tamis.good("scan", option, str(eml))
    if option == "--json":
        assert json.loads(printed)["size"] == len(content)
    else:
        assert all(letter.isprintable() or letter == "\n" for letter in printed)


def test_scan_of_a_large_file(tamis: Tamis, eml: Path) -> None:
    eml.write_bytes(MESSAGE + b"a line of text\n" * 350_000)
    found = tamis.read("scan", str(eml))
    assert found["size"] == eml.stat().st_size > 5_000_000
    assert "SIZE_CAPPED" in found["verdicts"][0]["tests"]
    assert found["milliseconds"] < 1000


def test_scan_of_what_cannot_be_read(tamis: Tamis, eml: Path) -> None:
    assert tamis.bad("scan", str(tamis.folder)) == f"{tamis.folder}: Is a directory"
    assert tamis.bad("scan", "/no/such/file") == "/no/such/file: No such file or directory"


def test_scan_goes_on_after_a_missing_file(tamis: Tamis, eml: Path) -> None:
    status, out, err = tamis.run("scan --json", str(eml), "/no/such/file", str(eml))
    assert status == 2
    assert [json.loads(line)["file"] for line in out.splitlines()] == [str(eml), str(eml)]
    assert err == "tamis: /no/such/file: No such file or directory\n"


def test_scan_with_a_bad_peer(tamis: Tamis, eml: Path) -> None:
    assert tamis.bad("scan --peer 192.0.2.700", str(eml)) == "--peer '192.0.2.700' is not an IP address"


def test_scan_says_what_would_be_refused(tamis: Tamis, eml: Path) -> None:
    tamis.good("list ban 192.0.2.7 --domain example.org")
    arguments = "scan --peer 192.0.2.7 --rcpt a@example.org --rcpt b@example.com"
    (refused,) = tamis.read(arguments, str(eml))["refused"]
    assert (refused["recipient"], refused["row"], refused["test"]) == ("a@example.org", "2", "BANNED_IP")
    printed = tamis.good(arguments, str(eml))
    assert "  a@example.org: refused for now, with 4xx at RCPT (row 2, banned-ip: peer matches 192.0.2.7 " in printed
    assert printed.count("refused for now") == 1
    tamis.configure('[policy]\nmode = "observe"\n')
    assert tamis.read(arguments, str(eml))["refused"] == []


def test_scan_knows_traps_and_decoys(tamis: Tamis, eml: Path) -> None:
    tamis.configure('[networks]\ndecoys = ["decoy"]\n[domain."example.org"]\ntrap = ["hidden@example.org"]\n')
    found = tamis.read("scan --rcpt hidden@example.org", str(eml))
    assert (found["verdicts"][0]["test"], found["traps"], found["learn_as_spam"]) == (
        "TRAP",
        ["hidden@example.org"],
        True,
    )
    assert tamis.read("scan --rcpt bob@example.org", str(eml))["traps"] == []
    assert tamis.read("scan --rcpt bob@example.org --listener decoy", str(eml))["traps"] == ["bob@example.org"]


def test_scan_uses_the_lists(tamis: Tamis, eml: Path) -> None:
    tamis.good("list add whitelist-ip 192.0.2.7 --domain example.org")
    arguments = "scan --peer 192.0.2.7 --rcpt bob@example.org --rcpt bob@example.com"
    assert [v["whitelisted"] for v in tamis.read(arguments, str(eml))["verdicts"]] == ["Whitelisted Peer IP", None]


def test_scan_with_an_unreadable_database_goes_on(tamis: Tamis, eml: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tamis.folder / "tamis.db").write_bytes(b"this is no database" * 100)
    status, out, _ = tamis.run("scan --json", str(eml))
    assert status == 0
    warning = "lists not read, there are none but those of the configuration yet: file is not a database"
    assert warning in caplog.messages
    assert json.loads(out)["verdicts"]


def test_scan_says_who_answers_for_a_message(tamis: Tamis, tmp_path: Path) -> None:
    path = tmp_path / "signed.eml"
    path.write_bytes(signed())
    with DnsServer(zone()) as dns:
        tamis.configure(f'[dns]\nservers = ["{dns.address}"]\n')
        assert "authentication dkim=pass:example.net, dmarc=none" in tamis.good("scan", str(path))
        asked = len(dns.asked)
        assert "dkim=temperror:example.net" in tamis.read("scan --no-network", str(path))["authentication"]
        assert len(dns.asked) == asked


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith("tamis ")


def test_check_config_warns_of_pages_that_are_open(tamis: Tamis) -> None:
    tamis.configure('[web]\nbase_url = "http://mail.example.org"\nchallenge_test_key = "0123456789abcdef"\n')
    err = tamis.run("check-config", str(tamis.file))[2]
    assert "web.challenge_test_key: for tests only" in err
    assert "web.base_url: without TLS" in err
    tamis.configure('[web]\nbase_url = "https://mail.example.org"\n')
    assert "web." not in tamis.run("check-config", str(tamis.file))[2]
