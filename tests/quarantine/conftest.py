"""What the tests of held mail share: a spool and a store, over SQLite and over PostgreSQL."""

from pathlib import Path

import pytest

from tamis.quarantine.spool import Spool
from tamis.quarantine.store import Store


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    return spool


@pytest.fixture
def store(database_url: str, spool: Spool) -> Store:
    """A store without any message, its tables made."""
    store = Store(database_url, spool)
    store.engine()
    return store
