"""Worlds to break, one for each file of tests, and the table of what happened in them."""

from collections.abc import Iterator

import pytest

from tamis.postfix.instance import PostfixUnavailable, require_postfix
from tests.endtoend.faults.cases import HEAD, Outcome
from tests.endtoend.faults.databases import Postgresql, Sqlite
from tests.endtoend.faults.world import World
from tests.postgresql import Cluster, programs


@pytest.fixture(scope="session")
def _can_run() -> None:
    try:
        require_postfix()
    except PostfixUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def sqlite_world(_can_run: None) -> Iterator[World]:
    with World(Sqlite()) as world:
        yield world


@pytest.fixture(scope="module")
def postgresql_world(_can_run: None) -> Iterator[World]:
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed")
    with Cluster(folder) as cluster, World(Postgresql(cluster)) as world:
        yield world


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[list[Outcome]]:
    """Outcomes that are printed once all are there."""
    outcomes: list[Outcome] = []
    yield outcomes
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print("", request.node.name, HEAD, *outcomes, sep="\n")
