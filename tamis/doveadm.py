"""Dovecot's doveadm(1): the users it knows, their Junk folders and quotas, and messages put into inboxes."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from tamis import limits

_NO_FOLDER: Final = 68
"""Exit status where a mailbox has no folder of that name."""
_ASIDE: Final = re.compile("(^|: )(Warning|Panic|Error: Raw backtrace): ")
"""What it says beside the reason: without a running Dovecot it panics after having said so."""
_UNIT: Final = "d"
"""Of the ages of messages: days."""


class DoveadmFailed(Exception):
    """It did not do what it was asked for; the text is one line."""


class _Resource(msgspec.Struct):
    percent: str = ""
    limit: str = "-"


@dataclass(frozen=True, slots=True)
class Doveadm:
    """The command, with whatever must stand before its own words, and the socket of its server, empty for none."""

    command: Sequence[str]
    server: str = ""

    @property
    def _at(self) -> tuple[str, ...]:
        return ("-S", self.server) if self.server else ()

    def users(self) -> list[str]:
        """Return the users that Dovecot can list. Raises `DoveadmFailed`, as where its userdb cannot."""
        return self._run("user", "*").decode("utf-8", "replace").split()

    def expunge_older(self, user: str, folder: str, days: int) -> None:
        """Delete what has been in a folder for more than so many days, if there is one. Raises `DoveadmFailed`."""
        self._run(
            "expunge", *self._at, "-u", user, "mailbox", folder, "savedbefore", f"{days}{_UNIT}", good=(0, _NO_FOLDER)
        )

    def quota_percent(self, user: str) -> int:
        """Return how full a mailbox is, in percent of the quota that is nearest to its end; 0 without quota.

        Raises `DoveadmFailed`.
        """
        said = self._run("-f", "json", "quota", "get", *self._at, "-u", user)
        try:
            found = msgspec.json.decode(said, type=list[_Resource])
        except msgspec.DecodeError as error:
            raise DoveadmFailed(f"quota get: {error}") from None
        return max((int(one.percent) for one in found if one.limit != "-" and one.percent.isdigit()), default=0)

    def save(self, user: str, folder: str, octets: bytes) -> None:
        """Put a message into a folder; no MTA and no filter sees it. Raises `DoveadmFailed`."""
        self._run("save", *self._at, "-u", user, "-m", folder, given=octets)

    def _run(self, *words: str, given: bytes = b"", good: Sequence[int] = (0,)) -> bytes:
        try:
            done = subprocess.run(
                [*self.command, *words], input=given, capture_output=True, timeout=limits.DOVEADM_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise DoveadmFailed(f"{words[0]}: no answer in time") from None
        except (OSError, ValueError) as error:
            raise DoveadmFailed(f"{self.command[0]}: {error}") from None
        if done.returncode not in good:
            lines = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if not _ASIDE.search(line)]
            said = "".join(letter if letter.isprintable() else "?" for letter in (lines or [""])[-1])
            raise DoveadmFailed(said[:300] or f"{words[0]}: exit status {done.returncode}")
        return done.stdout
