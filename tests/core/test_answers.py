"""Cached answers in a real Redis, and without one."""

import contextlib
import socket
import threading
import time
from pathlib import Path

import pytest

from tamis.answers import Answers
from tamis.config import parse
from tamis.engine import Engine
from tamis.examination import FILTERS
from tamis.redis_client import RedisClient
from tamis.testing import mail
from tests.redis_server import Server

pytestmark = [pytest.mark.servers, pytest.mark.usefixtures("no_network")]

CONFIG = "[policy.filters]\ncyrillic.enabled = true\nsinograms.enabled = true\n"


def engine(tmp_path: Path, url: str, config: str = CONFIG) -> Engine:
    return Engine(parse(f'{config}\n[daemon]\nstate_directory = "{tmp_path}"\n', "x"), url)


def message(number: int = 0) -> str:
    return f"From: Ann <ann@example.net>\nSubject: hello {number}\n\nПривет\n"


def test_remembers_for_its_lifetime(server: Server) -> None:
    answers = Answers(RedisClient(server.url), lifetime=100)
    assert answers.fetch([b"a", b"b"]) == [None, None]
    answers.remember({b"a": b"1", b"c": b""})
    assert answers.fetch([b"a", b"b", b"c"]) == [b"1", None, b""]
    lifetime = server.client.ttl("a")
    assert isinstance(lifetime, int)
    assert 0 < lifetime <= 100


def test_new_answers_wait_for_more_or_for_a_flush(server: Server) -> None:
    answers, others = Answers(RedisClient(server.url), at_once=3), Answers(RedisClient(server.url))
    answers.remember({b"a": b"1", b"b": b"2"})
    assert answers.fetch([b"a", b"x", b"b"]) == [b"1", None, b"2"]
    assert others.fetch([b"a", b"b"]) == [None, None]
    answers.remember({b"c": b"3"})
    assert others.fetch([b"a", b"b", b"c"]) == [b"1", b"2", b"3"]
    answers.remember({b"d": b"4"})
    answers.flush()
    assert others.fetch([b"d"]) == [b"4"]
    assert server.calls()["set"] == 4


def test_asks_nothing_for_nothing(server: Server) -> None:
    answers = Answers(RedisClient(server.url))
    assert answers.fetch([]) == []
    answers.remember({})
    assert server.calls() == {}


def test_one_round_trip_for_all_filters_of_a_message(server: Server, tmp_path: Path) -> None:
    examined = engine(tmp_path, server.url)
    cold = examined.examine(mail(message()))
    asked = [FILTERS[answer.row.name] for answer in cold.answers]
    keys = [key for one in asked for key in (one.cache_key(cold.mail), one.lasting_key(cold.mail, one.Options()))]
    stored = len([key for key in keys if key is not None])
    assert stored == 9 - 1  # Row 20 is not asked without an expression.
    assert server.calls() == {"mget": 1, "set": stored, "evalsha": 1, "eval": 1}
    warm = examined.examine(mail(message()))
    assert server.calls() == {"mget": 2, "set": stored, "evalsha": 2, "eval": 1}
    assert {"bayes", "cyrillic"} <= {answer.row.name for answer in warm.answers if answer.cached}
    assert [verdict.tests for verdict in warm.verdicts] == [verdict.tests for verdict in cold.verdicts]
    other = examined.examine(mail(message(1)))
    assert not any(answer.cached for answer in other.answers)


def test_the_missing_answers_are_stored_in_one_round_trip(server: Server) -> None:
    """A pipeline: one write, one read, whatever the number of keys."""
    sent: list[int] = []
    front = socket.socket(socket.AF_UNIX)
    front.bind(str(server.path) + ".front")
    front.listen()

    def relay() -> None:
        client, _ = front.accept()
        back = socket.socket(socket.AF_UNIX)
        back.connect(str(server.path))
        while data := client.recv(1 << 20):
            sent.append(data.count(b"SET"))
            back.sendall(data)
            time.sleep(0.02)
            client.sendall(back.recv(1 << 20))
        back.close()

    thread = threading.Thread(target=relay)
    thread.start()
    client = RedisClient(f"unix://{server.path}.front")
    answers = Answers(client)
    answers.fetch([b"x"])
    before = len(sent)
    answers.remember({b"%d" % number: b"value" for number in range(20)})
    assert sent[before:] == [20]
    assert client.failures == 0
    client.close()
    thread.join(5)
    front.close()


@pytest.mark.parametrize("garbage", [b"", b"garbage", b"\xff" * 100])
def test_garbage_in_redis_is_ignored(server: Server, tmp_path: Path, garbage: bytes) -> None:
    examined = engine(tmp_path, server.url)
    cold = examined.examine(mail(message()))
    keys = [*server.client.keys("tamis:answer:*"), *server.client.keys("tamis:lasting:*")]  # type: ignore[misc]
    assert len(keys) == 8
    for key in keys:
        server.client.set(key, garbage)
    again = examined.examine(mail(message()))
    assert [verdict.tests for verdict in again.verdicts] == [verdict.tests for verdict in cold.verdicts]
    assert not any(answer.cached or answer.error for answer in again.answers)


def test_a_key_of_another_kind_is_ignored(server: Server, tmp_path: Path) -> None:
    examined = engine(tmp_path, server.url)
    examined.examine(mail(message()))
    keys = server.client.keys("*")
    assert isinstance(keys, list)
    for key in keys:
        server.client.delete(key)
        server.client.lpush(key, "x")
    assert not any(answer.cached for answer in examined.examine(mail(message())).answers)


@pytest.mark.parametrize(
    "answer",
    [b":5\r\n", b"*1\r\n$1\r\nx\r\n", b"*2\r\n*1\r\n:1\r\n:2\r\n", b"$4\r\nlong\r\n", b"*-1\r\n", b"HTTP/1.1 400\r\n"],
)
def test_a_server_that_answers_nonsense_costs_nothing(tmp_path: Path, answer: bytes) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "lies.sock"))
    listener.listen()

    def lie(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                client.sendall(answer * max(1, data.count(b"CLIENT") + data.count(b"\r\nSET\r\n")))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=lie, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    examined = engine(tmp_path, f"unix://{tmp_path}/lies.sock")
    for number in range(4):
        record = examined.examine(mail(message(number)))
        assert len(record.verdicts) == 1
        assert not any(answer.cached or answer.error for answer in record.answers)
        examined._answers._redis._closed_until = 0.0
    listener.close()


def test_a_full_redis_costs_nothing(server: Server, tmp_path: Path) -> None:
    server.client.config_set("maxmemory", "1")
    try:
        record = engine(tmp_path, server.url).examine(mail(message()))
        assert len(record.verdicts) == 1
    finally:
        server.client.config_set("maxmemory", "0")


def test_no_redis_is_slower_and_no_different(tmp_path: Path) -> None:
    record = engine(tmp_path, "").examine(mail(message()))
    assert [answer.row.name for answer in record.answers if answer.cached] == []
    assert len(record.verdicts) == 1


def test_a_dead_redis_costs_one_try_and_then_nothing(tmp_path: Path) -> None:
    client = RedisClient(f"unix://{tmp_path}/none.sock")
    answers = Answers(client)
    for _ in range(100):
        assert answers.fetch([b"a"]) == [None]
        answers.remember({b"a": b"1"})
    assert client.failures == 1


def test_a_hanging_redis_costs_one_timeout_and_then_nothing(tmp_path: Path) -> None:
    """It accepts the connection and never answers: the worst a server can do to a client."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "hangs.sock"))
    listener.listen()
    client = RedisClient(f"unix://{tmp_path}/hangs.sock", timeout=0.4)
    answers = Answers(client)
    started = time.monotonic()
    for _ in range(100):
        assert answers.fetch([b"a"]) == [None]
        answers.remember({b"a": b"1"})
    assert 0.3 < time.monotonic() - started < 0.75
    assert client.failures == 1
    listener.close()


def test_a_message_goes_through_beside_a_hanging_redis(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "hangs.sock"))
    listener.listen()
    examined = engine(tmp_path, f"unix://{tmp_path}/hangs.sock")
    records = [examined.examine(mail(message(number))) for number in range(20)]
    assert all(len(record.verdicts) == 1 for record in records)
    assert sorted(record.milliseconds > 150 for record in records)[-2:] == [False, True]
    listener.close()


def test_a_redis_that_comes_back_is_used_again(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    monkeypatch.setattr("tamis.redis_client.time.monotonic", lambda: now)
    client = RedisClient(server.url + ".not-yet")
    answers = Answers(client)
    for pause in (1, 2, 4, 8, 16, 30, 30):
        assert answers.fetch([b"a"]) == [None]
        failures = client.failures
        now += pause - 0.01
        answers.fetch([b"a"])
        assert client.failures == failures
        now += 0.01
    assert client.failures == 7
    client._client = RedisClient(server.url)._client
    answers.remember({b"a": b"1"})
    assert answers.fetch([b"a"]) == [b"1"]


def test_many_threads_share_one_client(server: Server, tmp_path: Path) -> None:
    examined = engine(tmp_path, server.url)
    wrong: list[object] = []

    def work(number: int) -> None:
        for _ in range(10):
            verdicts = examined.examine(mail(message(number % 3))).verdicts
            if [verdict.row.name for verdict in verdicts if verdict.row] != ["cyrillic"]:
                wrong.append(verdicts)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
