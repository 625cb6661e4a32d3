"""The client of Redis: several commands in one round trip, with a real server, a restarted one, and none."""

from typing import Any

import pytest

from tamis.config import parse
from tamis.engine import Engine
from tamis.redis_client import RedisClient, RoundTrip, Script
from tamis.testing import mail
from tests.redis_server import Server

pytestmark = pytest.mark.servers

ADD = Script("return ARGV[1] + ARGV[2]")


def test_each_command_has_its_reply(server: Server) -> None:
    client = RedisClient(server.url)
    assert client.send([("SET", b"a", b"1"), ("MGET", "a", b"b"), ("INCRBY", "a", 2)]) == [b"OK", [b"1", None], 3]
    assert client.send([]) == []


def test_an_error_is_no_answer_and_costs_the_others_nothing(server: Server) -> None:
    client = RedisClient(server.url)
    client.send([("LPUSH", "list", "x")])
    assert client.send([("GET", "list"), ("NONSENSE",), ADD.call([], ["x", 1]), ("LLEN", "list")]) == [None] * 3 + [1]
    assert client.send([("LLEN", "list")]) == [1]
    assert client.failures == 0


def test_a_script_that_the_server_has_lost_is_given_to_it(server: Server) -> None:
    client = RedisClient(server.url)
    for _ in range(2):
        asked = [("SET", "a", 1), ADD.call([], [1, 2]), ("GET", "a"), ADD.call([], [3, 4])]
        assert client.send(asked) == [b"OK", 3, b"1", 7]
        assert client.send([ADD.call([], [1, 2])]) == [3]
        server.client.script_flush()


def test_a_connection_that_the_server_has_closed_is_opened_again(server: Server) -> None:
    client = RedisClient(server.url)
    assert client.send([("PING",)]) == [b"PONG"]
    server.client.client_kill_filter(_type="normal", skipme=True)
    assert client.send([("PING",)]) == [b"PONG"]
    assert client.failures == 0


def test_a_server_that_is_away_answers_nothing() -> None:
    client = RedisClient("redis://127.0.0.1:1")
    for _ in range(3):
        assert client.send([("GET", "a"), ("GET", "b")]) == [None, None]
    assert client.failures == 1
    assert RedisClient().send([("GET", "a")]) == [None]


def test_one_round_trip_for_those_who_ask_together(server: Server) -> None:
    client = RedisClient(server.url)
    found: list[Any] = []
    with RoundTrip(client) as trip:
        trip.add([("SET", "a", 1), ("GET", "a")], found.append)
        trip.add([("GET", "b")], found.append)
        trip.add([], found.append)
        assert found == []
    assert found == [[b"OK", b"1"], [None], []]
    trip.go()
    assert len(found) == 3


def test_who_cannot_take_an_answer_costs_nobody_else_theirs(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    found: list[Any] = []

    def fail(replies: list[Any]) -> None:
        raise ValueError

    trip = RoundTrip(RedisClient(server.url))
    trip.add([("GET", "a")], fail)
    trip.add([("GET", "b")], found.append)
    trip.go()
    assert found == [[None]]
    assert caplog.messages == ["what Redis answered could not be taken"]


def test_a_message_waits_for_redis_once(
    server: Server, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For what filters have answered before, for row 22's count, and for what the DNS has answered others."""
    sent: list[list[str]] = []
    exchange = RedisClient._exchange

    def counting(client: RedisClient, commands: Any) -> Any:
        sent.append([command[0] for command in commands])
        return exchange(client, commands)

    monkeypatch.setattr(RedisClient, "_exchange", counting)
    folder = tmp_path_factory.mktemp("state")
    engine = Engine(
        parse(f'[daemon]\nstate_directory = "{folder}"\n[dns]\nservers = ["127.0.0.1:1"]\n', "x"),
        server.url,
        answers_at_once=100,
    )
    for number in range(3):
        sent.clear()
        sender = f"ann@host{number}.example"
        text = f"From: {sender}\nSubject: {number}\n\nhello\n"
        record = engine.examine(mail(text, peer="192.0.2.7", sender=sender, recipients=["b@example.net"]))
        assert not [answer for answer in record.answers if answer.error]
    assert sent == [["EVALSHA", "MGET", "MGET"]]
    engine._resolver.close()
