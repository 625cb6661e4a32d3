"""What every test shares: corpora tests are left out where no corpora were given."""

import os
from pathlib import Path

import pytest


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
