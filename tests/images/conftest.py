"""What the tests of images share: a pool of readers, one for each module."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tamis.images.client import SocketReaders
from tamis.images.pool_process import PoolProcess

PATIENCE = 20.0
"""Seconds that an image may take on a busy machine."""


@pytest.fixture(scope="module")
def pool() -> Iterator[PoolProcess]:
    # Short, since the path of a socket must be.
    with tempfile.TemporaryDirectory(prefix="tamis-") as folder:
        process = PoolProcess(Path(folder) / "s", Path(folder) / "files", 2, "tesseract", ("eng", "fra"))
        process.start()
        process.wait_until_ready(PATIENCE)
        yield process
        process.stop()


@pytest.fixture
def readers(pool: PoolProcess) -> SocketReaders:
    """Clients of the pool, none of which has been disappointed yet."""
    return SocketReaders(pool.path, PATIENCE)
