"""What every test shares: corpora tests are left out where no corpora were given, and one redis-server."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.redis_server import Server


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests marked `corpora` unless TAMIS_CORPORA names the unpacked corpora."""
    if os.environ.get("TAMIS_CORPORA"):
        return
    without = [item for item in items if item.get_closest_marker("corpora") is None]
    config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("corpora")])
    items[:] = without


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
