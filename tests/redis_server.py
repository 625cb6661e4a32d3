"""A real redis-server for tests, in a folder of its own."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest
import redis

_COUNTED = {"mget", "get", "set", "setex", "mset", "multi", "evalsha", "eval"}


class Server:
    """A redis-server on a unix socket."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("redis-server is not installed")
        self.path = folder / "redis.sock"
        self.url = f"unix://{self.path}"
        options = ["--port", "0", "--unixsocket", str(self.path), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen([program, *options, "--dir", str(folder)], stdout=subprocess.DEVNULL)
        self.client = redis.Redis.from_url(self.url)
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                self.client.ping()
                return
            except redis.RedisError:
                time.sleep(0.02)
        raise AssertionError("redis-server did not start")

    def calls(self) -> dict[str, int]:
        """How often each data command was called since the last `reset`."""
        stats = {name.removeprefix("cmdstat_"): value for name, value in self.client.info("commandstats").items()}
        return {name: value["calls"] for name, value in stats.items() if name in _COUNTED}

    def reset(self) -> None:
        """As if it had just been started."""
        self.client.flushall()
        self.client.script_flush()
        self.client.config_resetstat()

    def stop(self) -> None:
        self.client.close()
        self._process.terminate()
        self._process.wait(10)
