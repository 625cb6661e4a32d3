"""The keys whose change a reload does not take up: the daemon would need its sockets, folders or root again."""

from typing import Final

from msgspec.structs import replace

from tamis.config import Config

_OF_DAEMON: Final = ("listen", "socket_mode", "socket_group", "user", "runtime_directory", "state_directory")
_OF_REDIS: Final = ("url", "server", "maxmemory")


def needing_restart(old: Config, new: Config) -> list[str]:
    """Return those of these keys that differ."""
    sections = (("daemon", _OF_DAEMON), ("redis", _OF_REDIS))
    return [
        f"{section}.{key}"
        for section, keys in sections
        for key in keys
        if getattr(getattr(old.settings, section), key) != getattr(getattr(new.settings, section), key)
    ]


def without_restart(old: Config, new: Config) -> Config:
    """Return the new configuration with the old values of these keys: keeper and workers go by what is."""
    daemon = replace(new.settings.daemon, **{key: getattr(old.settings.daemon, key) for key in _OF_DAEMON})
    redis = replace(new.settings.redis, **{key: getattr(old.settings.redis, key) for key in _OF_REDIS})
    return Config(replace(new.settings, daemon=daemon, redis=redis), new.file, new.lines)
