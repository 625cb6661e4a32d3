"""What each method says of a message."""

import enum
from dataclasses import dataclass


class Result(enum.StrEnum):
    """The words of RFC 8601, section 2.7."""

    NONE = "none"
    """Nothing of the kind is there."""
    PASS = "pass"
    FAIL = "fail"
    POLICY = "policy"
    """It may be right, and is not accepted here."""
    NEUTRAL = "neutral"
    """It cannot be read."""
    TEMPERROR = "temperror"
    """Not known now: nothing may be concluded."""
    PERMERROR = "permerror"


class Unverified(Exception):
    """Why a signature does not count. The reason may quote the wire."""

    def __init__(self, result: Result, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Dkim:
    """One signature (RFC 6376). `domain` (d=) is normalised, and empty where the signature cannot be read."""

    result: Result
    domain: str = ""
    selector: str = ""
    algorithm: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Arc:
    """The chain of those who passed the message on (RFC 8617). `sealers`: their domains, the first one first; only
    where the chain passes."""

    result: Result
    reason: str = ""
    sealers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dmarc:
    """What the author's domain asks for, and whether the message keeps to it (RFC 7489).

    `domain` is the author's, empty where there is no single author; `policy` is what is asked for mail that fails:
    none, quarantine or reject, empty where nothing is published or it is not known. `aligned` names what passed.
    """

    result: Result
    domain: str = ""
    policy: str = ""
    dkim_strict: bool = False
    spf_strict: bool = False
    aligned: str = ""
    reason: str = ""

    @property
    def unwanted(self) -> bool:
        """Whether the author's domain asks that this message be kept away from its recipients."""
        return self.result is Result.FAIL and self.policy in ("quarantine", "reject")


@dataclass(frozen=True, slots=True)
class Iprev:
    """Whether the peer's name in the DNS leads back to its address (RFC 8601, section 3)."""

    result: Result
    reason: str = ""
