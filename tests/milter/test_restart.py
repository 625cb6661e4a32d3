"""Keys that need a restart keep their values at a reload, so that no half of the daemon goes by new ones."""

from tamis.config import Config, parse
from tamis.milter.restart import needing_restart, without_restart


def config(state: str, workers: int, redis: str, timeout: float) -> Config:
    text = f'[daemon]\nstate_directory = "{state}"\nworkers = {workers}\n'
    return parse(f'{text}[redis]\nurl = "unix:///{redis}"\ntimeout_seconds = {timeout}\n', "x")


def test_old_values_stay() -> None:
    old, new = config("/old", 2, "old", 0.1), config("/new", 3, "new", 0.2)
    assert needing_restart(old, new) == ["daemon.state_directory", "redis.url"]
    taken = without_restart(old, new)
    assert taken.settings == config("/old", 3, "old", 0.2).settings
    assert taken.database_url == "sqlite:////old/tamis.db"
    assert taken.source("daemon", "workers") == "x:3"
    assert needing_restart(old, taken) == []
