"""The history in SQL: written once, found by every key, seen only by whom it concerns, forgotten in steps."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from tamis.history import store as module
from tamis.history.decided import Decided, encode
from tamis.history.journal import HistoryJournal
from tamis.history.keys import keys as keys_of
from tamis.history.queries import Sought, every, find, hours, kept, named
from tamis.history.store import HistoryStore
from tamis.history.tables import DECISION_KEY
from tests.history.deciding import made, share


@pytest.fixture
def store(database_url: str) -> HistoryStore:
    return HistoryStore(database_url)


def found(store: HistoryStore, limit: int = 50, **sought: Any) -> list[int]:
    """The numbers of what is found."""
    with store.reading() as connection:
        assert connection is not None
        return [int(one.id, 16) for one in find(connection, Sought(**sought), limit).decisions]


def test_found_by_everything_it_is_known_by(store: HistoryStore) -> None:
    other = {"sender": "carl@example.com", "authors": ("Dora@Example.com",), "peer": "2001:db8::1"}
    store.add(
        [made(1), made(2, **other, recipients=("eve@example.org", "bob@example.org"), shares=(share(verdict="ham"),))]
    )
    assert found(store) == [1, 2]
    for text in ("carl@example.com", "DORA@example.COM", "eve@example.org", "4q2", f"{2:016x}", "<2@example.net>",
                 "2@example.net", "2001:db8:0::1", "example.com"):  # fmt: skip
        assert found(store, text=text) == [2], text
    assert found(store, text="bob@example.org") == [1, 2]
    assert found(store, text="example.org") == [1, 2]
    assert found(store, sender="ann@example.net", recipient="bob@example.org") == [1]
    assert found(store, sender="example.com", recipient="example.org", author="dora@example.com") == [2]
    assert found(store, verdict="ham") == [2]
    assert found(store, row="16", peer="192.0.2.7", queue_id="4Q1", header_id="1@example.net") == [1]
    for nothing in ({"text": "bob@example.or"}, {"sender": ""}, {"id": "x"}, {"row": "5"}, {"text": "%"}):
        assert found(store, **nothing) == []  # type: ignore[arg-type]


def test_all_that_explains_it_comes_back(store: HistoryStore) -> None:
    store.add([made(1)])
    with store.reading() as connection:
        assert connection is not None
        assert named(connection, made(1).id) == made(1)


def test_pages_and_moments(store: HistoryStore) -> None:
    store.add([made(number) for number in range(1, 8)])
    with store.reading() as connection:
        assert connection is not None
        sought = Sought(text="ann@example.net")
        page = find(connection, sought, 3)
        assert [int(one.id, 16) for one in page.decisions] == [1, 2, 3]
        page = find(connection, sought, 3, page.after)
        assert [int(one.id, 16) for one in page.decisions] == [4, 5, 6]
        page = find(connection, sought, 3, page.after)
        assert ([int(one.id, 16) for one in page.decisions], page.after) == ([7], None)
        assert len(list(every(connection, Sought(), 5))) == 5
    assert found(store, since=made(3).moment, until=made(1).moment) == [2, 3]


def test_other_domains_stay_invisible(store: HistoryStore) -> None:
    both = ("bob@example.org", "eve@example.com")
    store.add([made(1, recipients=both), made(2, recipients=("eve@example.com",)), made(3)])
    assert found(store, domains=["example.org"]) == [1, 3]
    for whose in ("eve@example.com", "example.com"):
        assert found(store, domains=["example.org"], text=whose) == []
        assert found(store, domains=["example.org"], recipient=whose) == []
    assert found(store, domains=["example.org"], text="bob@example.org") == [1, 3]
    assert found(store, domains=["example.org"], hidden=["bob@example.org"]) == []
    assert found(store, domains=["example.org"], hidden=["bob@example.org"], recipient="bob@example.org") == []
    assert found(store, domains=["example.org"], id=made(2).id) == []
    assert found(store, domains=[]) == []
    with store.reading() as connection:
        assert connection is not None
        one = named(connection, made(1).id, ["example.org"])
        assert one is not None
        assert one.recipients == ("bob@example.org",)


def test_nothing_is_written_or_counted_twice(
    store: HistoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = HistoryJournal(tmp_path / "history", 10**6)
    decisions = [made(number) for number in range(1, 6)]
    for one in decisions:
        journal.note(one)
    journal.flush(leaving=True)
    (path,) = (tmp_path / "history").iterdir()
    with path.open("ab") as file:
        file.write(b'{"dropped":7}\n' + encode(made(6))[:50])
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(OSError("killed")))
    with pytest.raises(OSError, match="killed"):
        store.take_up(tmp_path / "history")
    monkeypatch.undo()
    assert store.take_up(tmp_path / "history") == 0
    assert list((tmp_path / "history").iterdir()) == []
    assert found(store) == [1, 2, 3, 4, 5]
    with store.reading() as connection:
        assert connection is not None
        amounts = kept(connection, datetime.now(UTC) - timedelta(days=1))
    assert amounts["messages"] == {"inbound": 5}
    assert amounts["verdict"] == {"spam": 5}
    assert amounts["not_kept"] == 16  # Said twice: what was lost is never said to be less.


def test_counted_by_the_hour_and_domain(store: HistoryStore) -> None:
    both = ("bob@example.org", "eve@example.com")
    store.add([made(1, recipients=both), made(2, shares=(share("bob@example.org", verdict="ham"),))])
    yesterday = datetime.now(UTC) - timedelta(days=1)

    def amount(what: str, domains: list[str] | None = None) -> dict[str, int]:
        with store.reading() as connection:
            assert connection is not None
            found: dict[str, int] = {}
            for _, name, number in hours(connection, what, yesterday, domains):
                found[name] = found.get(name, 0) + number
            return found

    assert amount("verdict") == {"spam": 2, "ham": 1}
    assert amount("verdict", ["example.org"]) == {"spam": 1, "ham": 1}
    assert amount("verdict", []) == {}
    assert amount("row") == {"16": 2}
    assert amount("test", ["example.com"]) == {"RBL_HALF": 1}
    assert amount("latency") == {"25": 2}


@pytest.mark.parametrize(("days", "most", "left"), [(7, 1000, [1, 2]), (100, 2, [1, 2]), (100, 1000, [1, 2, 3, 4, 5])])
def test_what_is_old_or_too_much_is_forgotten(
    store: HistoryStore, monkeypatch: pytest.MonkeyPatch, days: int, most: int, left: list[int]
) -> None:
    monkeypatch.setattr(module, "_FORGOTTEN_TOGETHER", 2)
    old: list[Decided] = [made(number, at=made().at - 86400 * 30 - number) for number in (3, 4, 5)]
    store.add([made(1), made(2), *old])
    assert store.forget(days, most) == 5 - len(left)
    assert found(store) == left
    assert found(store, text="bob@example.org") == left
    with store.reading() as connection:
        assert connection is not None
        keys = connection.execute(select(func.count()).select_from(DECISION_KEY)).scalar_one()
    assert keys == len(left) * len(keys_of(made()))


def test_nothing_kept_yet(store: HistoryStore, tmp_path: Path) -> None:
    assert store.take_up(tmp_path / "none") == 0
    assert store.forget(14, 1000) == 0
    with store.reading() as connection:
        assert connection is None


def test_files_stay_while_the_database_is_away(tmp_path: Path) -> None:
    journal = HistoryJournal(tmp_path / "history", 10**6)
    journal.note(made(1))
    journal.flush(leaving=True)
    store = HistoryStore(f"sqlite:////{tmp_path}/no/such/folder/tamis.db")
    with pytest.raises(SQLAlchemyError):
        store.take_up(tmp_path / "history")
    assert len(list((tmp_path / "history").iterdir())) == 1
