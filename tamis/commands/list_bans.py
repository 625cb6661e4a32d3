"""`tamis list bans`, and the automatic bans that `tamis list unban` ends."""

import argparse
import ipaddress
import os
import sys
from datetime import UTC, datetime
from typing import Any

from tamis.bans import Bans, unit_of
from tamis.commands.common import load_config, print_json, print_table
from tamis.commands.list import Actions, add_action, all_entries, domain_option
from tamis.config import Config
from tamis.consequences import MALWARE, TRAPS, counted_as
from tamis.counters import Counters
from tamis.lists import PLATFORM, ListName
from tamis.privileges import become_service_user
from tamis.redis_client import RedisClient

AWAY = "automatic bans are not known: Redis does not answer"


def add_to(actions: Actions) -> None:
    bans = add_action(actions, "bans", "print all bans in force, those made by hand and automatic ones")
    bans.add_argument("--json", action="store_true", help="print JSON")
    bans.set_defaults(run=_show)


def _redis(config: Config) -> RedisClient | None:
    """Return the configured server, or the daemon's private one; None where there is none, and so no automatic ban.

    A command has more patience than a message.
    """
    private = f"{config.settings.daemon.runtime_directory}/redis.sock"
    url = config.settings.redis.url or (f"unix://{private}" if os.path.exists(private) else "")
    return RedisClient(url, max(2.0, config.settings.redis.timeout_seconds)) if url else None


def _show(args: argparse.Namespace) -> int:
    config, now = load_config(args), datetime.now(UTC)
    become_service_user(config)
    redis = _redis(config)
    bans = Bans(redis or RedisClient())
    away = redis is not None and not bans.refresh(now)
    found = _by_hand(config, now) + [
        {
            "network": ban.network,
            "domain": ban.domain or None,
            "by": "automatic",
            "at": ban.began.isoformat(),
            "expires": ban.until.isoformat(),
            "why": ban.why,
            "times": ban.times,
        }
        for ban in bans.known(now)
    ]
    if args.domain != PLATFORM:
        domain = domain_option(args)
        found = [ban for ban in found if ban["domain"] == domain]
    if args.json:
        print_json(found)
    else:
        columns = ["network", "domain", "by", "at", "expires", "why"]
        rows = [[_cell(column, ban[column]) for column in columns] for ban in found]
        print_table(["network", "whose", "by", "at (UTC)", "until (UTC)", "why"], rows)
    if away:
        print(f"tamis: {AWAY}", file=sys.stderr)
    return int(away)


def _by_hand(config: Config, now: datetime) -> list[dict[str, Any]]:
    return [
        {
            "network": stored.entry.value,
            "domain": stored.entry.domain or None,
            "by": stored.added_by,
            "at": stored.added_at.isoformat() if stored.added_at else None,
            "expires": stored.entry.expires.isoformat() if stored.entry.expires else None,
            "why": stored.note,
            "times": None,
        }
        for stored in all_entries(config)
        if stored.entry.list is ListName.BAN_IP and stored.entry.holds_at(now)
    ]


def _cell(column: str, value: str | None) -> str:
    if column == "domain":
        return value or "platform"
    if column in ("at", "expires"):
        return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M}" if value else {"at": "", "expires": "for ever"}[column]
    return value or ""


def end_automatic(config: Config, value: str, domain: str) -> str | None:
    """End the automatic ban of an address or network, and forget what was counted.

    Returns what was banned, empty where nothing was, and None where Redis does not answer: the ban may go on.
    """
    redis = _redis(config)
    if redis is None:
        return ""
    network = ipaddress.ip_network(value)
    one = network.num_addresses == 1
    unit = unit_of(network.network_address) if one else str(network)
    removed = Bans(redis).remove(unit, domain)
    if removed:
        Counters(redis).forget(counted_as(kind, domain, unit) for kind in (TRAPS, MALWARE))
    return None if removed is None else unit if removed else ""
