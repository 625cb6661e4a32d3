"""Lists as files, and many entries put on a list at once."""

import io
from datetime import UTC, datetime, timedelta

import pytest

from tamis.list_files import BadFile, read, write
from tamis.list_import import Counts, NewEntry, add_all, licences
from tamis.list_store import ListStore
from tamis.lists import BadEntry, ListName

IP, SENDER = ListName.COMPLAINT_IP, ListName.BLACKLIST_SENDER
LATER = datetime(2099, 1, 1, tzinfo=UTC)


def lines(text: str) -> list[tuple[int, dict[str, str]]]:
    return [(line.number, line.words) for line in read(io.StringIO(text, newline=""))]


# Files


def test_a_plain_list() -> None:
    text = "\ufeff# a list\r\n192.0.2.7\r\n\r\n192.0.2.0/24 ; SBL1\n ; more\nann@example.net # why\n.example.org"
    assert lines(text) == [
        (2, {"value": "192.0.2.7"}),
        (4, {"value": "192.0.2.0/24"}),
        (6, {"value": "ann@example.net"}),
        (7, {"value": ".example.org"}),
    ]


def test_csv() -> None:
    text = '# ours\nvalue, Note,source\n192.0.2.7,"spam, fraud",feed\n\n192.0.2.8,,\n192.0.2.9\n'
    assert lines(text) == [
        (3, {"value": "192.0.2.7", "note": "spam, fraud", "source": "feed"}),
        (5, {"value": "192.0.2.8"}),
        (6, {"value": "192.0.2.9"}),
    ]
    assert lines('"source","value"\nx,192.0.2.7\n') == [(2, {"source": "x", "value": "192.0.2.7"})]


def test_a_line_without_a_value_is_a_line() -> None:
    assert lines("value,note\n,why\n") == [(2, {"note": "why"})]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("value,licens\n", "line 1: there is no column 'licens'; did you mean 'licence'?"),
        ("value,ip\n", "line 1: there is no column 'ip'; known: value, source, expires, licence, note"),
        ("value,value\n", "line 1: a column stands there twice"),
        ("\nvalue,note\na,b,c\n", "line 3: 3 columns, and the first line names 2"),
        ('value,note\na,"b\n', "line 2: "),
        ('value,note\na,"b"c\n', "line 2: "),
    ],
)
def test_files_that_cannot_be_read(text: str, said: str) -> None:
    with pytest.raises(BadFile) as wrong:
        lines(text)
    assert str(wrong.value).startswith(said)


# Entries


@pytest.fixture
def store(database_url: str) -> ListStore:
    return ListStore(database_url)


def entries(*values: str, source: str = "feed", expires: datetime | None = LATER, note: str = "") -> list[NewEntry]:
    return [NewEntry(value, source, expires, note) for value in values]


def test_all_are_added_and_again_nothing_is_written(store: ListStore) -> None:
    many = entries(*(f"10.0.{number // 250}.{number % 250}" for number in range(1200)))
    assert add_all(store, IP, "", many, {}) == Counts(added=1200)
    version = store.version()
    assert add_all(store, IP, "", many, {}) == Counts(same=1200)
    assert store.version() == version
    (first, *_) = store.stored(IP)
    assert (first.added_by, first.entry.expires) == ("feed", LATER)
    assert len(store.stored()) == 1200


def test_one_transaction_is_one_version(store: ListStore) -> None:
    add_all(store, IP, "", entries("192.0.2.7", "192.0.2.8"), {})
    version = store.version()
    assert add_all(store, IP, "", entries("192.0.2.7", "192.0.2.9", note="new"), {}) == Counts(added=1, renewed=1)
    assert store.version() == version + 1


def test_who_has_it_for_longer_keeps_it(store: ListStore) -> None:
    store.add(IP, "192.0.2.7", "", by="ann")
    store.add(IP, "192.0.2.8", "", by="ann", expires=LATER - timedelta(days=1))
    store.add(IP, "192.0.2.9", "", by="feed")
    assert add_all(store, IP, "", entries("192.0.2.7", "192.0.2.8", "192.0.2.9"), {}) == Counts(kept=1, renewed=2)
    assert [(stored.entry.value, stored.added_by, stored.entry.expires) for stored in store.stored()] == [
        ("192.0.2.7", "ann", None),
        ("192.0.2.8", "feed", LATER),
        ("192.0.2.9", "feed", LATER),
    ]


def test_of_two_lines_with_one_value_the_last_counts(store: ListStore) -> None:
    twice = entries("192.0.2.7", note="a") + entries("192.0.2.7", note="b")
    assert add_all(store, IP, "", twice, {}) == Counts(added=1)
    assert store.stored()[0].note == "b"


def test_lists_and_domains_are_apart(store: ListStore) -> None:
    add_all(store, SENDER, "example.org", entries("ann@example.net"), {})
    add_all(store, SENDER, "", entries("ann@example.net"), {})
    assert [stored.entry.domain for stored in store.stored(SENDER)] == ["", "example.org"]
    for name in (IP, ListName.COMPLAINT_SENDER, ListName.MALWARE_HASH):
        with pytest.raises(BadEntry, match="hold for the whole platform"):
            add_all(store, name, "example.org", entries("192.0.2.7"), {})


def test_licences_are_those_of_the_sources(store: ListStore) -> None:
    add_all(store, IP, "", entries("192.0.2.7"), {"feed": "CC BY 4.0"})
    assert licences(store) == {"feed": "CC BY 4.0"}
    version = store.version()
    add_all(store, IP, "", entries("192.0.2.7"), {"feed": "CC BY 4.0"})
    assert store.version() == version
    add_all(store, IP, "", entries("192.0.2.7"), {"feed": "none any more", "other": "x"})
    assert licences(store) == {"feed": "none any more", "other": "x"}


def test_what_is_written_reads_the_same(store: ListStore) -> None:
    add_all(store, SENDER, "", entries("a@example.net", note='he said "no", twice'), {"feed": "CC, BY"})
    store.add(SENDER, ".example.org", "", by="ann")
    file = io.StringIO()
    write(file, store.stored(), licences(store))
    assert [words for _, words in lines(file.getvalue())] == [
        {"value": ".example.org", "source": "ann"},
        {
            "value": "a@example.net",
            "source": "feed",
            "expires": LATER.isoformat(),
            "licence": "CC, BY",
            "note": 'he said "no", twice',
        },
    ]
    file = io.StringIO()
    write(file, store.stored(), {}, plain=True)
    assert file.getvalue() == ".example.org\na@example.net\n"
