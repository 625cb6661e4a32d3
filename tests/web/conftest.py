"""What the tests of the pages share: the application over a fresh database, and a browser without JavaScript."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from html import unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2 as httpx
import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from tamis import accounts, schema
from tamis.config import Config, parse
from tamis.database import open_database
from tamis.web.app import create_app
from tamis.web.house import House

BASE = "https://mail.example.org/held"
_INPUT = re.compile(r"<input ([^>]*)>")
_ATTRIBUTE = re.compile(r'([a-z_-]+)="([^"]*)"')


@dataclass
class Visitor:
    """Somebody with a browser; paths are those of the pages, without the prefix."""

    client: TestClient
    house: House
    response: httpx.Response | None = None

    def get(self, path: str, **more: Any) -> httpx.Response:
        self.response = self.client.get(self._url(path), **more)
        return self.response

    def post(self, path: str, fields: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        """Send a form with the token of the latest page."""
        data = {"form_token": self.hidden("form_token"), **(fields or {})}
        self.response = self.client.post(self._url(path), data=data, **more)
        return self.response

    def _url(self, path: str) -> str:
        return path if path.startswith(("http", self.house.prefix)) else self.house.url(path)

    def hidden(self, name: str) -> str:
        """The value of a field in the latest page, empty where there is none."""
        found = (dict(_ATTRIBUTE.findall(text)) for text in _INPUT.findall(self.response.text if self.response else ""))
        return next((unescape(one.get("value", "")) for one in found if one.get("name") == name), "")


@cache
def _tables() -> bytes:
    """A file of SQLite with all tables: making them takes longer than most tests."""
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/tamis.db"
        schema.upgrade(open_database(url))
        with closing(sqlite3.connect(f"{folder}/tamis.db")) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return Path(folder, "tamis.db").read_bytes()


def settings(folder: Path, database_url: str = "", more: str = "") -> Config:
    if not database_url and not (folder / "tamis.db").exists():
        (folder / "tamis.db").write_bytes(_tables())
    database = f'[database]\nurl = "{database_url}"\n' if database_url else ""
    return parse(
        f'[daemon]\nstate_directory = "{folder}"\nruntime_directory = "{folder}"\n{database}'
        f'[web]\nbase_url = "{BASE}"\n{more}',
        "x",
    )


def visitor(config: Config, **client: Any) -> Visitor:
    app = create_app(config)
    wanted = {"base_url": BASE.removesuffix("/held"), "client": ("203.0.113.9", 4000), **client}
    return Visitor(TestClient(app, follow_redirects=True, **wanted), app.state.house)


@pytest.fixture(scope="module", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """Let nobody who logs in wait: what a real hash costs is for those who guess."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "_hasher", lambda: cheap)
        yield


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return settings(tmp_path)


@pytest.fixture
def browser(config: Config) -> Iterator[Visitor]:
    one = visitor(config)
    with closing(one.client):
        yield one
