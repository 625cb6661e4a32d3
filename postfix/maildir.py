"""What arrived: the one Maildir into which the private Postfix delivers everything."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

_TRACE = re.compile(rb"(?:(?:Return-Path|X-Original-To|Delivered-To):[^\n]*\n(?:[ \t][^\n]*\n)*)+", re.I)
_DELIVERED_TO = re.compile(rb"^Delivered-To:[ \t]*([^\n]*)$", re.I | re.M)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message delivered to one address, as stored."""

    address: str
    message: bytes

    @property
    def content(self) -> bytes:
        """The message without the Return-Path:, X-Original-To: and Delivered-To: put above it."""
        found = _TRACE.match(self.message)
        return self.message[found.end() :] if found else self.message


class Deliveries:
    """The messages in a Maildir, in order of arrival; each file is read once."""

    def __init__(self, folder: Path) -> None:
        self._new = folder / "new"
        self._seen: dict[str, Delivery] = {}

    def count(self) -> int:
        """Return how many messages have arrived, without reading them."""
        try:
            return sum(1 for _ in os.scandir(self._new))
        except FileNotFoundError:
            return 0

    def all(self) -> list[Delivery]:
        """Return every delivery."""
        try:
            entries = sorted((one.stat().st_mtime_ns, one.name, one.path) for one in os.scandir(self._new))
        except FileNotFoundError:
            return []
        for _, name, path in entries:
            if name not in self._seen:
                message = Path(path).read_bytes()
                found = _DELIVERED_TO.search(message)
                address = found.group(1).decode("utf-8", "replace").strip() if found else ""
                self._seen[name] = Delivery(address, message)
        return list(self._seen.values())

    def clear(self) -> None:
        """Forget and remove what has arrived."""
        for entry in list(os.scandir(self._new)) if self._new.exists() else []:
            os.unlink(entry.path)
        self._seen.clear()
