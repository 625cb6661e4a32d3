"""What every test shares: no corpora tests without corpora, one redis-server, databases of both kinds.

No property test fails because the machine was busy.
"""

import gc
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

from tamis import content_digest, engine, examination, links, model_source, refusal
from tamis.contract import Filter
from tamis.copies import Copies
from tamis.dns import servers
from tamis.filters.order import ORDER
from tamis.models.bayes import Model
from tamis.models.storage import SHIPPED_MODEL
from tamis.rules import sources as rule_sources
from tamis.rules.matching import Rules
from tamis.rules.shipped import shipped_rules
from tests.postgresql import Cluster, programs
from tests.redis_server import Server

settings.register_profile("tamis", deadline=None)
# For `make check`: every property is tried, on fewer examples than in the whole suite.
settings.register_profile("quick", deadline=None, max_examples=25)
settings.load_profile("tamis")

TESTS: Final = Path(__file__).parent
LONGEST: Final = (
    "endtoend/test_three_modes.py",
    "models/test_default_model.py",
    "cli/test_torture.py",
    "milter/test_keeper.py",
    "packaging/test_package.py",
    "postfix/test_beside_others.py",
    "demo/test_demo.py",
    "endtoend/test_two_machines.py",
    "benchmarks/test_performance.py",
)
"""Files that take over half a minute, the longest first: one that is begun last has a worker to itself."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest files; leave out what is marked `corpora` unless TAMIS_CORPORA names the corpora."""
    longest = {TESTS / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: longest.get(item.path, len(longest)))
    if os.environ.get("TAMIS_CORPORA"):
        return
    without = [item for item in items if item.get_closest_marker("corpora") is None]
    config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("corpora")])
    items[:] = without


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests have counted: ``record_property("counted", "...")``."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties:
            if name == "counted" and report.when == "call":
                terminalreporter.write_line(str(value))


def pytest_collection_finish() -> None:
    """What has been imported stays: the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shipped_model() -> Model:
    """The shipped model, read once; not to be changed."""
    return Model.load(SHIPPED_MODEL)


@pytest.fixture(scope="session")
def compiled_rules() -> Rules:
    """The shipped rules, compiled once."""
    return Rules(shipped_rules())


@pytest.fixture(autouse=True)
def _preloaded(shipped_model: Model, compiled_rules: Rules) -> None:
    """Let every engine find shipped model and rules in memory, as a worker does, and no other test's."""
    model_source.PRELOADED.clear()
    model_source.PRELOADED[model_source.stamp_of(SHIPPED_MODEL)] = shipped_model
    rule_sources.PRELOADED.clear()
    rule_sources.PRELOADED[compiled_rules.version] = compiled_rules


@pytest.fixture(autouse=True)
def _no_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test find what another has found in the same message, with other caps."""
    monkeypatch.setattr(links, "copies", Copies(links._found_in))
    monkeypatch.setattr(content_digest, "copies", Copies(content_digest._found))


@pytest.fixture(autouse=True)
def _no_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test depend on what this machine's DNS says: where none is configured, nobody answers."""
    monkeypatch.setattr(servers, "system_servers", lambda: [servers.Address("127.0.0.1", 1)])


class NoResolver:
    """In the place of a resolver: there is no DNS."""

    def __bool__(self) -> bool:
        return False

    def ask(self, *_: object) -> None: ...

    def flush(self, *_: object) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the DNS, and the rows that ask it, out: for tests of what else becomes of a message."""
    monkeypatch.setattr(engine, "Resolver", lambda *_, **__: NoResolver())
    rows = tuple(
        replace(row, filter=None) if row.filter and row.filter.queries is not Filter.queries else row for row in ORDER
    )
    for module in (examination, refusal):
        monkeypatch.setattr(module, "ORDER", rows)


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of unpacked corpora."""
    return Path(os.environ["TAMIS_CORPORA"])


@pytest.fixture(scope="session")
def running_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A redis-server for the whole session."""
    server = Server(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture
def server(running_redis: Server) -> Server:
    """That redis-server, with nothing in it."""
    running_redis.reset()
    return running_redis


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running PostgreSQL, for tests marked `servers`. A test that stops it starts it again."""
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed")
    with Cluster(folder) as cluster:
        yield cluster


@pytest.fixture(
    params=[pytest.param("sqlite", marks=pytest.mark.slow), pytest.param("postgresql", marks=pytest.mark.servers)]
)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The url of a database that has nothing in it yet: of SQLite, then of PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/tamis.db"
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    url = cluster.new_database()
    yield url
    cluster.drop(url)
