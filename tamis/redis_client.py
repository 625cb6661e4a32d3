"""The one Redis client of a process: short time-outs, no retries, and a circuit breaker.

Redis may vanish at any moment, and nothing may wait for it: a broken server is left alone for a while,
since a time-out on each message would cost more than it is worth. All that uses Redis shares one client,
so that a broken server costs one time-out, not one for each use.

What each message asks goes through `send`: redis-py opens the connections and reads the replies, but all that it does
around a command takes three times the CPU of the command, in a process whose caches are cold.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

import hiredis
import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry

from tamis import turn

_log = logging.getLogger("tamis")

_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0

T = TypeVar("T")
Command = tuple[str | bytes | int | float, ...]
"""A command of Redis: its name and what it is given."""

_pack: Final[Any] = hiredis.pack_command
_scripts: Final[dict[str, str]] = {}


class Script:
    """A script in Lua, which runs as one step of the server."""

    def __init__(self, text: str) -> None:
        self._sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        _scripts[self._sha] = text

    def call(self, keys: Sequence[bytes], arguments: Sequence[str | bytes | int | float]) -> Command:
        """Return the command that runs it; `RedisClient.send` gives the server its text where that has lost it."""
        return ("EVALSHA", self._sha, len(keys), *keys, *arguments)


class RedisClient:
    """A server that may be away; without a url it always is. Use one per process, made after fork, in any thread."""

    def __init__(self, url: str = "", timeout: float = 0.2) -> None:
        self._closed_until = 0.0
        self._pause = _FIRST_PAUSE
        self.failures = 0
        """How often the server did not answer; each opens the circuit."""
        self._client: Any = None
        self._idle: list[Any] = []
        """Connections that nobody uses now, the one used last at the end."""
        if url:
            self._client = redis.Redis.from_url(
                url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0)
            )

    def ask(self, question: Callable[[Any], T]) -> T | None:
        """Return what `question` got from the server it is called with, None where there was no answer.

        An answer that is an error (a key of another kind, no memory left) is no answer, and no outage either:
        it came at once and says nothing about other keys.
        """
        if self._client is None or time.monotonic() < self._closed_until:
            return None
        try:
            answer = question(self._client)
        except redis.ResponseError:
            return None
        except Exception:  # An answer that makes no sense is a broken server, whatever redis-py stumbles over in it.
            self.failures += 1
            self._closed_until = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            return None
        self._pause = _FIRST_PAUSE
        return answer

    def send(self, commands: Sequence[Command]) -> list[Any]:
        """Return the reply to each command, as the protocol has it, in one round trip for all.

        None where there was no answer, or an error, as in `ask`. A script that the server does not know costs a
        second round trip.
        """
        if not commands:
            return []
        replies = self.ask(lambda _: self._exchange(commands)) or [None] * len(commands)
        unknown = [place for place, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if unknown:  # The first time, and after the server was started again.
            texts = [_with_text(commands[place]) for place in unknown]
            found = self.ask(lambda _: self._exchange(texts)) or [None] * len(unknown)
            for place, reply in zip(unknown, found, strict=True):
                replies[place] = reply
        return [None if isinstance(reply, Exception) else reply for reply in replies]

    def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Send the commands, and return a reply or an error for each. Raises anything where the server fails."""
        connection = self._connection()
        try:
            with turn.given():
                connection.send_packed_command([b"".join(map(_pack, commands))], check_health=False)
                replies: list[Any] = []
                for _ in commands:
                    try:
                        replies.append(connection.read_response())
                    except redis.ResponseError as error:
                        replies.append(error)
        except BaseException:  # What is still on its way would be taken for the reply to something else.
            connection.disconnect()
            raise
        self._idle.append(connection)
        return replies

    def _connection(self) -> Any:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._client.connection_pool.make_connection()
            connection.connect()
            return connection
        try:
            fresh = not connection.can_read()
        except (redis.RedisError, OSError):
            fresh = False
        if not fresh:  # The server has closed it, or said something that nobody asked for.
            connection.disconnect()
            connection.connect()
        return connection

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().disconnect()
        if self._client is not None:
            self._client.close()


def _with_text(command: Command) -> Command:
    return ("EVAL", _scripts[str(command[1])], *command[2:])


class RoundTrip:
    """What several who need not know each other ask of Redis in the same moment. For one thread.

    At the end of a `with` it is made, if it was not before, whatever happens there.
    """

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._commands: list[Command] = []
        self._takers: list[tuple[int, Callable[[list[Any]], None]]] = []

    def add(self, commands: Sequence[Command], take: Callable[[list[Any]], None]) -> None:
        """Ask with the others; `take` is called with the replies to these commands, None for each without one."""
        self._commands += commands
        self._takers.append((len(commands), take))

    def go(self) -> None:
        """Ask, and hand out the replies in the order in which they were asked for."""
        commands, takers = self._commands, self._takers
        self._commands, self._takers = [], []
        replies = iter(self._redis.send(commands))
        for count, take in takers:
            try:
                take(list(islice(replies, count)))
            except Exception:  # Others wait for theirs.
                _log.exception("what Redis answered could not be taken")

    def __enter__(self) -> "RoundTrip":
        return self

    def __exit__(self, *_: object) -> None:
        self.go()
