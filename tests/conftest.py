"""What every test shares: corpora tests are left out where no corpora were given, and one redis-server."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tamis import engine
from tamis.models.bayes import Model
from tests.redis_server import Server


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests marked `corpora` unless TAMIS_CORPORA names the unpacked corpora."""
    if os.environ.get("TAMIS_CORPORA"):
        return
    without = [item for item in items if item.get_closest_marker("corpora") is None]
    config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("corpora")])
    items[:] = without


def pytest_collection_finish() -> None:
    """What has been imported stays: the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shipped_model() -> Model:
    """The shipped model, read once; not to be changed."""
    return Model.load(engine.SHIPPED_MODEL)


@pytest.fixture(autouse=True)
def _preloaded(shipped_model: Model) -> None:
    """Let every engine find the shipped model in memory, as a worker does, and no other test's."""
    engine._models.clear()
    engine._models[engine._stamp(engine.SHIPPED_MODEL)] = shipped_model


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
