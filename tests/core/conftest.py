"""What the tests of the core share: databases of both kinds, filters put into rows.

No property test fails because the machine was busy.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tamis import examination, refusal
from tamis.filters import order
from tests.core.probes import Place, Probe
from tests.postgresql import Cluster, programs

settings.register_profile("tamis", deadline=None)
settings.load_profile("tamis")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running PostgreSQL, for tests marked `servers`. A test that stops it starts it again."""
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed")
    with Cluster(folder) as cluster:
        yield cluster


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The url of a database that has nothing in it yet: of SQLite, then of PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/tamis.db"
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.new_database()


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """Put filters in the rows of those names."""

    def place(**filters: Probe) -> None:
        for key, instance in filters.items():
            name = key.replace("_", "-")
            instance.name = name  # type: ignore[misc]
            known: tuple[order.Row, ...] = vars(examination)["ORDER"]
            rows = tuple(dataclasses.replace(row, filter=type(instance)) if row.name == name else row for row in known)
            for module in (examination, refusal):
                monkeypatch.setattr(module, "ORDER", rows)
            monkeypatch.setitem(examination.FILTERS, name, instance)

    return place
