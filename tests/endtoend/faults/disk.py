"""A small disk that can be full, or read-only: a tmpfs that this process and its children alone can see."""

import ctypes
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_CLONE_NEWNS: Final = 0x20000
_MS_RDONLY, _MS_REMOUNT, _MS_REC, _MS_PRIVATE, _MNT_DETACH = 1, 32, 0x4000, 0x40000, 2
_BYTES: Final = 64 << 20
_libc: Final = ctypes.CDLL(None, use_errno=True)


class CannotMount(Exception):
    """The system lets us mount nothing."""


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments):
        error = ctypes.get_errno()
        raise CannotMount(f"{name}: {os.strerror(error)}")


class SmallDisk:
    """A mounted disk of 64 MiB that everybody may write to; `folder` is where."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    @contextmanager
    def full(self, but: int = 0) -> Iterator[None]:
        """No room is left within the block, but for so many octets, in whole pages."""
        size = 0
        with self._ballast.open("wb", buffering=0) as file:
            for piece in (bytes(1 << 20), bytes(4096)):
                with suppress(OSError):
                    while True:
                        size += file.write(piece)
        os.truncate(self._ballast, size - but)
        try:
            yield
        finally:
            self._ballast.unlink()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        self._remount(_MS_RDONLY)
        try:
            yield
        finally:
            self._remount(0)

    def _remount(self, flags: int) -> None:
        """Somebody who still closes a file makes it busy for a moment."""
        deadline = time.monotonic() + 10.0
        while True:
            try:
                _call("mount", b"none", os.fsencode(self.folder), b"tmpfs", _MS_REMOUNT | flags, None)
                return
            except CannotMount:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


@contextmanager
def small_disk() -> Iterator[SmallDisk]:
    """A disk that is gone afterwards, whatever still uses it. Raises `CannotMount`."""
    with tempfile.TemporaryDirectory(prefix="tamis-disk-", dir="/tmp") as name:
        _call("unshare", _CLONE_NEWNS)
        _call("mount", b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)
        _call("mount", b"none", os.fsencode(name), b"tmpfs", 0, f"size={_BYTES},mode=0777".encode())
        try:
            yield SmallDisk(Path(name))
        finally:
            _call("umount2", os.fsencode(name), _MNT_DETACH)
