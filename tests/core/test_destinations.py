"""Where a recipient's mail goes, by Postfix's own postmap over real tables."""

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis import limits
from tamis.destinations import Destination, Destinations, DestinationUnknown, Kind
from tamis.settings import Aliases

POSTMAP = shutil.which("postmap", path=f"{os.environ['PATH']}:/usr/sbin")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(POSTMAP is None, reason="postmap of Postfix is not installed: run 'make setup'"),
]


class Tables:
    """A folder of tables, and a postmap that writes down how it is called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._write("main.cf", "compatibility_level = 3.6")
        self.calls_file = folder / "calls"
        self.calls_file.touch()
        self.program(f'MAIL_CONFIG={folder} exec {POSTMAP} "$@"')

    def program(self, text: str) -> None:
        """What postmap does from now on."""
        path = self.folder / "postmap"
        path.write_text(f'#!/bin/sh\necho "$*" >>{self.calls_file}\n{text}\n')
        path.chmod(0o755)

    def write(self, name: str, *lines: str) -> str:
        return f"texthash:{self._write(name, *lines)}"

    def _write(self, name: str, *lines: str) -> Path:
        path = self.folder / name
        path.write_text("".join(f"{line}\n" for line in lines))
        os.utime(path, (1e9, 1e9))  # Postfix waits until a file has not changed for two seconds.
        return path

    def calls(self) -> list[str]:
        return self.calls_file.read_text().splitlines()

    def destinations(self, *lines: str, **settings: Any) -> Destinations:
        """Ask one table of these lines."""
        known = {"maps": (self.write("virtual", *lines),), "local_domains": ("example.org", "example.net")}
        return Destinations(Aliases(**(known | {"postmap": str(self.folder / "postmap")} | settings)))


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(tmp_path)


CHAIN = (
    "test@example.org alias@example.org",
    "alias@example.org forward1@else.example, forward2@else.example, forward3@third.example",
)
FORWARDS = ("forward1@else.example", "forward2@else.example", "forward3@third.example")


def test_the_chain_of_the_original(tables: Tables) -> None:
    assert tables.destinations(*CHAIN).find("test@example.org") == Destination(Kind.REDIRECTION, (), FORWARDS)


def test_the_chain_with_a_mailbox_of_its_own(tables: Tables) -> None:
    own = "test@example.org test@example.org, alias@example.org"
    found = tables.destinations(own, CHAIN[1]).find("test@example.org")
    assert found == Destination(Kind.REPLICATION, ("test@example.org",), FORWARDS)


@pytest.mark.parametrize(
    ("value", "kind", "local", "outward"),
    [
        ("", Kind.MAILBOX, "a@example.org", ""),
        ("a@example.org", Kind.MAILBOX, "a@example.org", ""),
        ("A@Example.ORG", Kind.MAILBOX, "a@example.org", ""),
        ("b@example.org", Kind.ALIAS, "b@example.org", ""),
        ("b@example.net, a@example.org", Kind.ALIAS, "b@example.net a@example.org", ""),
        ("B@Else.Example", Kind.REDIRECTION, "", "b@else.example"),
        ("x@else.example, x@sub.example.org", Kind.REDIRECTION, "", "x@else.example x@sub.example.org"),
        (
            "x@else.example, a@example.org, y@else.example",
            Kind.REPLICATION,
            "a@example.org",
            "x@else.example y@else.example",
        ),
        ("x@else.example X@ELSE.example,x@else.example", Kind.REDIRECTION, "", "x@else.example"),
        ("root", Kind.ALIAS, "root", ""),
        ("x@müller.example", Kind.REDIRECTION, "", "x@xn--mller-kva.example"),
    ],
)
def test_kinds(tables: Tables, value: str, kind: Kind, local: str, outward: str) -> None:
    found = tables.destinations(*([f"a@example.org {value}"] if value else [])).find("A@example.org")
    assert found == Destination(kind, tuple(local.split()), tuple(outward.split()))


def test_an_address_elsewhere_is_outward_without_any_alias(tables: Tables) -> None:
    found = tables.destinations().find("ann@else.example")
    assert found == Destination(Kind.REDIRECTION, (), ("ann@else.example",))


def test_with_nothing_configured_every_address_is_a_mailbox() -> None:
    found = Destinations(Aliases(postmap="/nowhere/postmap")).find("Ann@Anywhere.example")
    assert found == Destination(Kind.MAILBOX, ("ann@anywhere.example",))


def test_domains_can_stand_in_a_table(tables: Tables) -> None:
    domains = ("example.net", tables.write("domains", "example.org here", "elsewhere.example here"))
    found = tables.destinations(
        "a@example.org b@elsewhere.example, c@else.example, d@example.net", local_domains=domains
    )
    assert found.find("a@example.org").local == ("b@elsewhere.example", "d@example.net")
    assert found.find("a@example.org").outward == ("c@else.example",)


def test_users_of_the_system(tables: Tables) -> None:
    lines = ("root admin@else.example, operator", "a@example.org root")
    found = tables.destinations(*lines, system_domains=("mx.example.org",))
    expected = Destination(Kind.REPLICATION, ("operator@mx.example.org",), ("admin@else.example",))
    assert found.find("a@example.org") == found.find("root@mx.example.org") == expected
    assert found.find("root@example.org").kind is Kind.MAILBOX


@pytest.mark.parametrize(
    ("delimiter", "recipient", "goes_to"),
    [
        ("+", "a+x@example.org", "b+x@else.example"),
        ("+", "a+x+y@example.org", "b+x+y@else.example"),
        ("+-", "a-x@example.org", "b-x@else.example"),
        ("", "a+x@example.org", "a+x@example.org"),
        ("+-", "owner-list@example.org", "owner-list@example.org"),
        ("+-", "list-request@example.org", "list-request@example.org"),
        ("+", '"a+x y"@example.org', '"a+x y"@example.org'),
    ],
)
def test_delimiters(tables: Tables, delimiter: str, recipient: str, goes_to: str) -> None:
    lines = ("a@example.org b@else.example", "owner@example.org no@else.example", "list@example.org no@else.example")
    found = tables.destinations(*lines, recipient_delimiter=delimiter).find(recipient)
    assert (*found.local, *found.outward) == (goes_to,)


# --- what it costs


def test_one_process_for_each_table_and_level_whatever_the_number_of_recipients(tables: Tables) -> None:
    other = tables.write("other", "b@example.org c@example.org")
    lines = ["a@example.org b@example.org", *(f"u{number}@example.org b@example.org" for number in range(50))]
    maps = (tables.write("virtual", *lines), other)
    found = tables.destinations(*lines, maps=maps).find_all(
        ["a@example.org", *(f"u{n}@example.org" for n in range(50))]
    )
    assert {answer.local for answer in found.values() if isinstance(answer, Destination)} == {("c@example.org",)}
    assert len(found) == 51
    assert len(tables.calls()) == 3 * len(maps)


def test_answers_are_remembered_for_a_while(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    destinations = tables.destinations("a@example.org b@else.example")
    for _ in range(3):
        assert destinations.find("a@example.org").outward == ("b@else.example",)
    assert len(tables.calls()) == 2
    tables.write("virtual", "a@example.org c@else.example")
    assert destinations.find("a@example.org").outward == ("b@else.example",)
    monkeypatch.setattr(limits, "DESTINATION_SECONDS", 0.0)
    assert destinations.find("a@example.org").outward == ("c@else.example",)


def test_few_addresses_are_remembered_in_all(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DESTINATION_LEGS", 10)
    destinations = tables.destinations("team@example.org a@example.org, b@example.org, c@example.org, d@example.org")
    for number in range(5):
        destinations.find(f"team+{number}@example.org")
    before = len(tables.calls())
    destinations.find_all([f"team+{number}@example.org" for number in (3, 4)])
    assert len(tables.calls()) == before
    destinations.find("team+2@example.org")
    assert len(tables.calls()) > before


# --- what can go wrong


def unknown(destinations: Destinations, recipient: str = "a@example.org") -> str:
    """Ask for what cannot be known, and return why."""
    with pytest.raises(DestinationUnknown) as raised:
        destinations.find(recipient)
    text = str(raised.value)
    assert "\n" not in text
    return text


def test_a_table_that_is_not_there(tables: Tables) -> None:
    assert "No such file" in unknown(tables.destinations(maps=("hash:/nowhere/virtual",)))
    assert "No such file" in unknown(tables.destinations(local_domains=("hash:/nowhere/domains",)))


def test_a_program_that_is_not_there(tables: Tables) -> None:
    assert "/nowhere/postmap" in unknown(tables.destinations(postmap="/nowhere/postmap"))


@pytest.mark.parametrize(
    "does",
    [
        "exit 3",
        "kill -9 $$",
        "echo postmap: fatal: no >&2; exit 1",
        "cat; exit 0",
        "printf 'a@example.org\\t\\n'",
        "printf 'other@example.org\\tb@else.example\\n'",
        "printf 'a@example.org\\tb@else.example\\nc@else.example\\n'",
        "printf 'a@example.org\\t, ,\\n'",
        "printf 'a@example.org\\tAnn <b@else.example>\\n'",
        "printf 'a@example.org\\t\"b@else.example\\n'",
        "printf 'a@example.org\\tb\\001@else.example\\n'",
    ],
)
def test_a_program_that_says_nonsense(tables: Tables, does: str) -> None:
    destinations = tables.destinations()
    tables.program(f"{does}")
    assert unknown(destinations)


def test_failures_are_not_remembered_and_warnings_are_none(tables: Tables) -> None:
    destinations = tables.destinations("a@example.org b@else.example", "a line that is warned of")
    tables.program("exit 1")
    assert destinations.find("other@example.org").kind is Kind.MAILBOX
    tables.program("exit 2")
    unknown(destinations)
    tables.program(f'MAIL_CONFIG={tables.folder} exec {POSTMAP} "$@"')
    assert destinations.find("a@example.org").kind is Kind.REDIRECTION


def test_time_is_bounded_for_all_tables_and_recipients_together(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ALIASES_SECONDS", 0.5)
    destinations = tables.destinations(maps=(tables.write("one"), tables.write("two"), tables.write("three")))
    tables.program("exec sleep 0.3")
    began = time.monotonic()
    found = destinations.find_all(["a@example.org", "b@example.org"])
    assert time.monotonic() - began < 2.0
    assert all("in time" in str(answer) for answer in found.values())
    assert len(tables.calls()) < 3


def test_what_has_no_end_is_told_from_the_rest(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ALIAS_DEPTH", 5)
    monkeypatch.setattr(limits, "ALIAS_LEGS", 8)
    chain = [f"c{number}@example.org c{number + 1}@example.org" for number in range(9)]
    many = ", ".join(f"m{number}@example.org" for number in range(9))
    loop = ("l1@example.org l2@example.org", "l2@example.org l1@example.org")
    destinations = tables.destinations(
        *chain, *loop, f"many@example.org {many}", f"long@example.org {'x' * 1001}@y.example"
    )
    asked = ["c0@example.org", "c6@example.org", "l1@example.org", "many@example.org", "long@example.org"]
    found = destinations.find_all(asked)
    assert [isinstance(found[one], Destination) for one in asked] == [False, True, False, False, False]


HOSTILE = [
    "",
    "a\nb@example.org",
    "a@example.org\nb@else.example",
    "a\tb@example.org",
    "a\0@example.org",
    "a\x7f@b",
    "x" * 1001,
]


@pytest.mark.parametrize("recipient", HOSTILE)
def test_what_is_no_address_is_never_asked_for(tables: Tables, recipient: str) -> None:
    assert "not an address" in unknown(tables.destinations("a@example.org b@else.example"), recipient)
    assert tables.calls() == []


@pytest.mark.parametrize(
    "recipient", ["-q@example.org", "--help", "-", "$(id)@example.org", "`id`@x", "a;b|c&d@example.org", "\udcff@x"]
)
def test_an_address_is_data_and_never_part_of_a_command(tables: Tables, recipient: str) -> None:
    tables.destinations("a@example.org b@else.example").find(recipient)
    assert set(tables.calls()) == {f"-q - texthash:{tables.folder}/virtual"}


@settings(deadline=None)
@given(st.text(max_size=40))
def test_nothing_else_is_raised_whatever_is_asked(recipient: str) -> None:
    destinations = Destinations(Aliases(maps=("texthash:/dev/null",), local_domains=("example.org",), postmap="true"))
    (found,) = destinations.find_all([recipient]).values()
    assert isinstance(found, Destination | DestinationUnknown)
