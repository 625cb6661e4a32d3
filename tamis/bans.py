"""Automatic bans of row 2, for all machines together: in Redis, with a copy in each process.

A ban is of one address, or of a /64 in IPv6, on the platform or for one recipient domain. The first is short, each
further one twice as long up to a longest, until the peer has kept quiet for a week (SPEC, section 1, row 13). The copy
is taken anew within a second of a change (`refresh`), so that a look-up asks nobody. While Redis is away, the bans
that are known go on until they end.

In Redis is one hash of domain and network to ``until:began:times:why`` (milliseconds since 1970 UTC), one sorted set of
the same by their end, and the time of the last change.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import redis.exceptions

from tamis import limits
from tamis.ham_counts import HamCounts
from tamis.mail import IPAddress
from tamis.networks import network_around
from tamis.redis_client import RedisClient

_KEYS: Final = (b"tamis:bans", b"tamis:bans:ends", b"tamis:bans:changed")
_REMEMBERED_SECONDS: Final = 7 * 86_400
"""How long after its end a ban makes the next one longer."""
_CLOCKS_SECONDS: Final = 60
"""A ban that begins later than this from now was made with a clock that was wrong."""

_BAN: Final = """\
local now, first, longest = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local ham = tonumber(ARGV[10]) + (redis.call('GET', KEYS[4]) or 0) + (redis.call('GET', KEYS[5]) or 0)
local bad, times = tonumber(ARGV[9]), 0
for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[5]), 'LIMIT', 0, 1000)) do
  redis.call('HDEL', KEYS[1], old)
  redis.call('ZREM', KEYS[2], old)
end
local known = redis.call('HGET', KEYS[1], ARGV[1])
if known then
  local ends, n = string.match(known, '^(%d+):%d+:(%d+):')
  if ends and tonumber(ends) > now and tonumber(ends) - now <= longest then return 0 end
  times = tonumber(n) or 0
end
if ham > tonumber(ARGV[7]) or bad < tonumber(ARGV[8]) * (bad + ham) then return 0 end
local ends = string.format('%d', now + math.min(longest, first * 2 ^ math.min(times, 40)))
redis.call('HSET', KEYS[1], ARGV[1], ends .. ':' .. ARGV[2] .. ':' .. string.format('%d', times + 1) .. ':' .. ARGV[11])
redis.call('ZADD', KEYS[2], ends, ARGV[1])
for i = tonumber(ARGV[6]) + 1, redis.call('ZCARD', KEYS[2]) do
  redis.call('HDEL', KEYS[1], redis.call('ZPOPMIN', KEYS[2])[1])
end
redis.call('SET', KEYS[3], table.concat(redis.call('TIME'), '.'))
return tonumber(ends)
"""
_REMOVE: Final = """\
local there = redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('SET', KEYS[3], table.concat(redis.call('TIME'), '.'))
return there
"""
_READ: Final = """\
local changed = redis.call('GET', KEYS[3]) or ''
if changed == ARGV[1] then return {changed} end
local fields, values = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[2], '+inf', 'LIMIT', 0, ARGV[3]), {}
for i = 1, #fields, 1000 do
  for _, value in ipairs(redis.call('HMGET', KEYS[1], unpack(fields, i, math.min(i + 999, #fields)))) do
    values[#values + 1] = value or ''
  end
end
return {changed, fields, values}
"""
_SHAS: Final = {
    script: hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest() for script in (_BAN, _REMOVE, _READ)
}


@dataclass(frozen=True, slots=True)
class Ban:
    """An automatic ban. `domain` is the recipient domain, empty for the platform; `times` counts this one, too."""

    network: str
    domain: str
    began: datetime
    until: datetime
    times: int
    why: str

    def holds_at(self, now: datetime) -> bool:
        return self.began - timedelta(seconds=_CLOCKS_SECONDS) <= now < self.until


@dataclass(frozen=True, slots=True)
class Offence:
    """What a peer did, as far as a ban goes by it: `bad` messages, and the guards that may speak for it.

    Nobody is banned with more recent ham than `ham_limit`, or where the bad ones are less than `share` of them and
    the ham together.
    """

    bad: int
    ham_limit: int
    share: float
    why: str


def unit_of(peer: IPAddress) -> str:
    """Return what is banned, and counted, as one peer: its address, in IPv6 the /64 around it."""
    return str(peer) if peer.version == 4 else network_around(peer, 32, 64)


class Bans:
    """The automatic bans. `find` may be called from any thread."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._changed = b"-"
        self._known: Mapping[tuple[str, str], Ban] = {}
        self._units: frozenset[str] = frozenset()

    def concern(self, peer: IPAddress) -> bool:
        """Whether there may be a ban of a peer, for whichever recipients."""
        return bool(self._units) and unit_of(peer) in self._units

    def find(self, domain: str, peer: IPAddress, now: datetime) -> Ban | None:
        """Return the ban of a peer for the recipients of exactly that domain; of the platform's, for ""."""
        ban = self._known.get((domain, unit_of(peer))) if self._known else None
        return ban if ban is not None and ban.holds_at(now) else None

    def refresh(self, now: datetime) -> bool:
        """Take the bans as they are, in one round trip; False where Redis does not say."""
        found = self._redis.ask(
            lambda server: _run(server, _READ, _KEYS, [self._changed, _milliseconds(now), limits.BANS])
        )
        if not isinstance(found, list) or not found:
            return False
        if found[0] != self._changed:
            bans = (_read(field, value) for field, value in zip(*found[1:], strict=False))
            known = {(ban.domain, ban.network): ban for ban in bans if ban is not None}
            self._units = frozenset(network for _, network in known)
            self._known = known
            self._changed = found[0]
        return True

    def known(self, now: datetime) -> list[Ban]:
        """Return the bans that hold, as `refresh` has found them, those that end first at the beginning."""
        return sorted((ban for ban in self._known.values() if ban.holds_at(now)), key=lambda ban: ban.until)

    def ban(
        self,
        network: str,
        domain: str,
        offence: Offence,
        ham: HamCounts,
        now: datetime,
        *,
        first: float,
        longest: float,
    ) -> datetime | None:
        """Ban a peer unless a guard forbids it; return until when, None where it is not, or was already.

        `first` and `longest` are seconds. `ham` knows what else came from it.
        """
        times = [_milliseconds(now), *(round(1000 * seconds) for seconds in (first, longest, _REMEMBERED_SECONDS))]
        guards = [offence.ham_limit, repr(offence.share), offence.bad, ham.pending(network), offence.why]
        asked = [_field(domain, network), *times, limits.BANS, *guards]
        keys = [*_KEYS, *ham.keys(network, now)]
        until = self._redis.ask(lambda server: _run(server, _BAN, keys, asked))
        if not isinstance(until, int) or until <= 0:
            return None
        self.refresh(now)
        return _moment(until)

    def remove(self, network: str, domain: str) -> bool | None:
        """End a ban and forget those before it; False where there is none, None where Redis does not answer."""
        found = self._redis.ask(lambda server: _run(server, _REMOVE, _KEYS, [_field(domain, network)]))
        return bool(found) if isinstance(found, int) else None


def _field(domain: str, network: str) -> bytes:
    return f"{domain} {network}".encode("utf-8", "surrogatepass")


def _read(field: Any, value: Any) -> Ban | None:
    """Return a ban as it stands in Redis, None for what is none."""
    try:
        domain, network = field.decode().split(" ")
        until, began, times, why = value.decode().split(":", 3)
        return Ban(network, domain, _moment(began), _moment(until), int(times), why)
    except (ValueError, OverflowError, OSError, AttributeError):
        return None


def _moment(milliseconds: str | int) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def _milliseconds(moment: datetime) -> int:
    return round(1000 * moment.timestamp())


def _run(server: Any, script: str, keys: Any, asked: list[Any]) -> Any:
    try:
        return server.evalsha(_SHAS[script], len(keys), *keys, *asked)
    except redis.exceptions.NoScriptError:  # The first time, and after the server was started again.
        return server.eval(script, len(keys), *keys, *asked)
