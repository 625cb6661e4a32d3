"""The configuration: every mistake is named by file, line and key, and what is right is taken as written."""

import os
import time
from pathlib import Path

import pytest

from tamis.config import ENVIRONMENT, Config, ConfigError, find, load, parse
from tamis.list_store import configured_entries
from tamis.lists import Entry, ListName
from tamis.settings import LEVELS, Settings

BAD = sorted((Path(__file__).parents[1] / "bad_config").glob("*.toml"))


def problems(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return [str(problem).replace(str(path), path.name) for problem in caught.value.problems]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_fails_as_expected_and_not_by_chance(path: Path) -> None:
    """Each bad_config/NAME.toml gives exactly the lines of NAME.txt."""
    assert problems(path) == path.with_suffix(".txt").read_text(encoding="utf-8").splitlines()


def test_every_expectation_has_its_file() -> None:
    assert {path.stem for path in BAD} == {path.stem for path in BAD[0].parent.glob("*.txt")}
    assert len(BAD) > 40


def test_a_missing_file(tmp_path: Path) -> None:
    assert problems(tmp_path / "none.toml") == ["none.toml: No such file or directory"]


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    file = tmp_path / "tamis.toml"
    file.write_bytes(b'\xef\xbb\xbf[policy]\r\nmode = "tag"\r\n')
    assert load(file).settings.policy.mode == "tag"


def test_a_directory(tmp_path: Path) -> None:
    (tmp_path / "tamis.toml").mkdir()
    assert problems(tmp_path / "tamis.toml") == ["tamis.toml: Is a directory"]


def test_a_binary_file(tmp_path: Path) -> None:
    path = tmp_path / "tamis.toml"
    path.write_bytes(b"\0\1\2")
    assert problems(path)[0].startswith("tamis.toml:1: ")


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "[daemon]\n", "[policy.filters]\n"])
def test_nothing_written_is_the_defaults(text: str) -> None:
    assert parse(text, "x").settings == Settings()


def test_no_file_is_the_defaults() -> None:
    assert load(None) == Config(Settings())


def test_line_ends_of_another_system() -> None:
    with pytest.raises(ConfigError, match=r"^x:3: policy\.level: 5 is not one of"):
        parse("[policy]\r\nmode = 'tag'\r\nlevel = 5\r\n", "x")


@pytest.mark.parametrize("level", LEVELS)
def test_every_level_is_taken(level: float) -> None:
    assert parse(f"[policy]\nlevel = {level:g}\n", "x").settings.policy.level == level


@pytest.mark.parametrize(
    "socket", ["unix:/run/x", "inet:8895@127.0.0.1", "inet:65535@::1", "inet:1@[2001:db8::1]", "fd:3", "systemd"]
)
def test_every_kind_of_socket_is_taken(socket: str) -> None:
    assert parse(f'[daemon]\nlisten = ["{socket}"]\n', "x").settings.daemon.listen == (socket,)


def test_where_a_value_was_set() -> None:
    config = parse('[policy]\nlevel = 3\n\n[domain."example.org"]\nmode = "tag"\n', "tamis.toml")
    assert config.source("policy", "level") == "tamis.toml:2"
    assert config.source("domain", "example.org", "mode") == "tamis.toml:5"
    assert config.source("policy", "mode") == "default"


def test_entries_written_in_the_file() -> None:
    text = '[lists]\nwhitelist_ip = ["192.0.2.0/24"]\n[domain."example.org"]\nblacklist_sender = ["@Example.NET"]\n'
    assert configured_entries(parse(text, "x")) == [
        Entry(ListName.WHITELIST_IP, "192.0.2.0/24", "", "x:2"),
        Entry(ListName.BLACKLIST_SENDER, "example.net", "example.org", "x:4"),
    ]


def test_a_long_list_loads_fast() -> None:
    entries = "".join(f'  "192.0.{number // 256}.{number % 256}",\n' for number in range(10_000))
    started = time.process_time()
    config = parse(f"[lists]\nwhitelist_ip = [\n{entries}]\n", "x")
    assert len(configured_entries(config)) == 10_000
    assert time.process_time() - started < 2


def test_paths_derived(tmp_path: Path) -> None:
    config = parse(f'[daemon]\nstate_directory = "{tmp_path}"\n', "x")
    assert config.database_url == f"sqlite:///{tmp_path}/tamis.db"
    assert config.site_model == tmp_path / "model.bin"


def test_which_file_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(os.environ, ENVIRONMENT, "/from/the/environment.toml")
    assert find("given.toml") == Path("given.toml")
    assert find(None) == Path("/from/the/environment.toml")
    monkeypatch.delitem(os.environ, ENVIRONMENT)
    monkeypatch.setattr("tamis.config.DEFAULT_PATH", tmp_path / "tamis.toml")
    assert find(None) is None
    (tmp_path / "tamis.toml").touch()
    assert find(None) == tmp_path / "tamis.toml"


def test_a_password_is_not_printed() -> None:
    with pytest.raises(ConfigError) as caught:
        parse('[redis]\nurl = "redis://:secret@127.0.0.1:x/"\n', "x")
    assert "secret" not in str(caught.value)
