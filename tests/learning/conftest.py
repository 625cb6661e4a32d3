"""What the tests of learning share: a site with a journal, and messages to teach it."""

from pathlib import Path

import pytest

from tamis.config import Config, parse
from tamis.learning.journal import Journal


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    """A site over SQLite, and over PostgreSQL."""
    return parse(f'[daemon]\nstate_directory = "{tmp_path}"\n[database]\nurl = "{database_url}"\n', "x")


@pytest.fixture
def journal(config: Config) -> Journal:
    return Journal(config.database_url)
