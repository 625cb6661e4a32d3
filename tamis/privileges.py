"""Becoming the service user: whatever was started as root gives it up before it touches mail or state."""

import os
import pwd
from pathlib import Path

from tamis.config import Config


class NoSuchUser(Exception):
    """The configured service user does not exist; the text is one clear line."""


def become_service_user(config: Config) -> None:
    """Switch from root to `daemon.user`, its state directory made first; do nothing for other users.

    Raises `NoSuchUser`, or `OSError` when the directory cannot be made.
    """
    if os.geteuid() != 0:
        return
    name = config.settings.daemon.user
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        raise NoSuchUser(
            f"the user {name!r} (daemon.user) does not exist: create it, or name another in the configuration"
        ) from None
    make_owned(config.state_directory, user.pw_uid, user.pw_gid)
    os.initgroups(name, user.pw_gid)
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    os.environ["HOME"] = user.pw_dir


def make_owned(folder: Path, uid: int, gid: int) -> None:
    """Make a folder (0750) that belongs to the service user; one that exists is left as it is."""
    if not folder.exists():
        folder.mkdir(parents=True, mode=0o750)
        os.chown(folder, uid, gid)
