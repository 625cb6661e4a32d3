"""Answers of the DNS in Redis, for all workers and machines that ask the same servers, for as long as they hold."""

import hashlib
import time
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from tamis.dns.answer import Answer, Status
from tamis.dns.question import Question
from tamis.dns.servers import Address
from tamis.redis_client import Command, RedisClient, RoundTrip, Script

_LEAST_TTL: Final = 5
"""Seconds; what holds shorter is not worth the round trip."""
_RECORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("A", "AAAA", "CNAME", "NS", "PTR"), str),
    "TXT": bytes,
    "MX": tuple[int, str],
    "SOA": tuple[str, str, int, int, int, int, int],
}
_STORE: Final = Script("""\
for i = 1, #KEYS do redis.call('SET', KEYS[i], ARGV[2 * i - 1], 'EX', ARGV[2 * i]) end
""")
# Half of the time that the client takes for as many commands in a pipeline.
Entry = tuple[Answer, int]
"""An answer, and the seconds it still holds."""
_encoder = msgspec.msgpack.Encoder()
_decoders: Final = {
    kind: msgspec.msgpack.Decoder(tuple[int, Status, tuple[record, ...], int, bool])  # type: ignore[valid-type]
    for kind, record in _RECORDS.items()
}
"""Of the time at which it is forgotten (seconds since the epoch), and an answer to a question of that type."""


class Shared:
    """A cache of answers. Where Redis is away it knows nothing and remembers nothing.

    Other servers may answer otherwise (a DNS list that refuses one of them), so what one machine heard holds only
    for those that ask the same.
    """

    def __init__(self, redis: RedisClient, servers: Iterable[Address]) -> None:
        self._redis = redis
        asked = hashlib.blake2b(" ".join(map(str, servers)).encode(), digest_size=4).hexdigest()
        self._prefix = f"tamis:dns:{asked}:".encode()

    def round_trip(self) -> RoundTrip:
        return RoundTrip(self._redis)

    def command(self, questions: Sequence[Question]) -> Command:
        """Return the command that asks for the answers to some questions."""
        return ("MGET", *map(self._key, questions))

    def read(self, questions: Sequence[Question], reply: object) -> list[Entry | None]:
        """Return what the reply to that command says to each question, None where nothing."""
        # A server that is no Redis, or a broken one, may answer anything.
        if not isinstance(reply, list) or len(reply) != len(questions):
            return [None] * len(questions)
        now = int(time.time())
        return [_decode(question.type, value, now) for question, value in zip(questions, reply, strict=True)]

    def fetch(self, questions: Sequence[Question]) -> list[Entry | None]:
        """Return the answer to each question, in one round trip; None if unknown."""
        if not questions:
            return []
        (reply,) = self._redis.send([self.command(questions)])
        return self.read(questions, reply)

    def remember(self, answers: Sequence[tuple[Question, Answer, float]]) -> None:
        """Store answers, each with the time it arrived (seconds since the epoch), in one round trip."""
        keys: list[bytes] = []
        values: list[bytes | int] = []
        for question, answer, arrived in answers:
            if answer.known and answer.ttl >= _LEAST_TTL:
                keys.append(self._key(question))
                values += (_encode(answer, int(arrived)), answer.ttl)
        if keys:
            self._redis.send([_STORE.call(keys, values)])

    def _key(self, question: Question) -> bytes:
        return self._prefix + str(question).encode("utf-8", "replace")


def _encode(answer: Answer, arrived: int) -> bytes:
    fields = (arrived + answer.ttl, answer.status, answer.records, answer.ttl, answer.authenticated)
    return _encoder.encode(fields)


def _decode(kind: str, value: object, now: int) -> tuple[Answer, int] | None:
    if not isinstance(value, bytes):
        return None
    try:
        expires, status, records, ttl, authenticated = _decoders[kind].decode(value)
    except msgspec.DecodeError:
        return None
    answer = Answer(status, records, ttl, authenticated)
    left = min(expires - now, answer.ttl)
    return (answer, left) if left > 0 and answer.known else None
