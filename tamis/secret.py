"""The site's secret: what links, cookies and forms are signed with. Several machines of one site share the file."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from tamis.config import Config

_BYTES: Final = 32


def secret_path(config: Config) -> Path:
    """Return the file that holds it."""
    return Path(config.settings.web.secret_file or config.state_directory / "web.secret")


def read_secret(config: Config) -> bytes:
    """Return the secret, made at the first call, readable by its owner alone.

    Raises `OSError`; `PermissionError` where others may read it, since anybody could then release mail.
    """
    path = secret_path(config)
    _make(path)
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise PermissionError(1, "others than its owner may read it: chmod 600", str(path))
        found = file.read().strip()
    if len(found) < _BYTES:
        raise OSError(22, f"holds less than {_BYTES} octets: remove it, and another is made", str(path))
    return found


def _make(path: Path) -> None:
    """Make the file unless it is there: whole under another name first, so that nobody reads a half of it."""
    if path.exists():
        return
    new = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(secrets.token_hex(_BYTES).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        # Of several that make one at once, the first wins.
        with suppress(FileExistsError):
            os.link(new, path)
    finally:
        os.unlink(new)
