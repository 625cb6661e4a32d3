"""A system without room for another process: the supervisor says so, tries again, and never dies of it."""

import errno
import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tamis.config import Config
from tamis.milter.keepers import Keepers
from tamis.milter.redis_server import RedisServer
from tamis.milter.sockets import Listener
from tamis.milter.workers import Blueprint, Workers
from tamis.settings import Redis, Settings


def no_room(*_: Any, **__: Any) -> NoReturn:
    raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")


@pytest.fixture
def workers() -> Workers:
    core: Any = None
    with socket.socket(socket.AF_UNIX) as listening:
        return Workers([Listener("unix:x", listening)], Blueprint(Config(Settings()), core, "", 2))


@pytest.mark.parametrize("call", ["fork", "pipe"])
def test_a_worker_that_cannot_be_forked_is_tried_again(
    workers: Workers, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr(os, call, no_room)
    monkeypatch.setattr("tamis.milter.process.BackOff.delay", lambda *_: 0.0)
    descriptors = len(os.listdir("/proc/self/fd"))
    workers.start()
    for _ in range(20):
        workers.check()
    assert workers.alive == 0
    assert workers.failed_to_start
    assert workers.waiting
    assert len(workers._due) == 2
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_keeper_that_cannot_be_forked_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    core: Any = None
    keepers = Keepers([], core, "")
    monkeypatch.setattr(os, "fork", no_room)
    monkeypatch.setattr("tamis.milter.process.BackOff.delay", lambda *_: 0.0)
    descriptors = len(os.listdir("/proc/self/fd"))
    keepers.start(Config(Settings()))
    for _ in range(20):
        keepers.check()
    assert not keepers.alive
    assert not keepers.starting
    assert keepers.waiting
    assert len(os.listdir("/proc/self/fd")) == descriptors
    keepers.leave(signal.SIGUSR2)
    assert not keepers.waiting


def test_a_redis_that_cannot_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    server = RedisServer(Redis(server="true"), tmp_path)
    tried = []

    def popen(*words: Any, **_: Any) -> NoReturn:
        tried.append(words)
        no_room()

    monkeypatch.setattr(subprocess, "Popen", popen)
    monkeypatch.setattr("tamis.milter.process.BackOff.delay", lambda *_: 0.0)
    assert server.start()
    server.check()
    assert len(tried) == 2
    server.stop()
