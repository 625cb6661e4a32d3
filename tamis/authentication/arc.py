"""The ARC chain of a message: who has passed it on, and found it how (RFC 8617, section 5.2)."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from tamis import limits
from tamis.authentication import signature
from tamis.authentication.results import Arc, Result, Unverified
from tamis.authentication.signature import Signature, Signer
from tamis.authentication.signed import SignedMessage
from tamis.dns import Answer, Question
from tamis.dns.lookups import Dns

_RESULTS, _MESSAGE, _SEAL = b"arc-authentication-results", b"arc-message-signature", b"arc-seal"
_INSTANCE: Final = re.compile(r"[ \t\n]*i[ \t\n]*=[ \t\n]*0{0,9}([1-9][0-9]?)[ \t\n]*(?:;|\Z)")


@dataclass(frozen=True, slots=True)
class Seal:
    """One set of the chain: the numbers of its three fields, who sealed it, what they said of the chain before."""

    results: int
    message: int
    seal: int
    signer: Signer
    said: str


class Chain:
    """The sets of a message, the first one first, and the newest signature over the message.

    Raises `Unverified` where they are no chain; without any field of ARC it is empty.
    """

    def __init__(self, message: SignedMessage, now: float) -> None:
        kinds = [_instances(message, name) for name in (_RESULTS, _MESSAGE, _SEAL)]
        count = max(len(kind) for kind in kinds)
        if count > limits.ARC_SETS or any(sorted(kind) != list(range(1, count + 1)) for kind in kinds):
            raise Unverified(Result.FAIL, "the sets are not complete")
        results, messages, seals = kinds
        self.seals: list[Seal] = []
        self.newest: Signature | None = None
        for one in range(1, count + 1):
            tags = _tags(message, seals[one])
            if "h" in tags:
                raise Unverified(Result.FAIL, f"the seal {one} has h=")
            seal = Seal(results[one], messages[one], seals[one], signature.signer_of(tags), tags.get("cv", "").lower())
            self.seals.append(seal)
            tags = _tags(message, messages[one])
            if _SEAL.decode() in (name.strip().lower() for name in tags.get("h", "").split(":")):
                raise Unverified(Result.FAIL, f"the signature {one} covers seals")
            if one == count:
                self.newest = signature.read(tags, messages[one], now, "relaxed/relaxed")

    def questions(self) -> list[Question]:
        """Return what is asked for the keys: the newest signature's, then the seals'."""
        signers = [self.newest.signer] if self.newest else []
        return [signer.question for signer in (*signers, *(seal.signer for seal in self.seals))]


def _tags(message: SignedMessage, number: int) -> dict[str, str]:
    return signature.tags_of(message.fields[number].value)


def _instances(message: SignedMessage, name: bytes) -> dict[int, int]:
    """Map the instance of each field of a name to the field's number."""
    found: dict[int, int] = {}
    for number in message.numbers(name):
        instance = _instance(message, number, name)
        if instance in found:
            raise Unverified(Result.FAIL, f"two fields of the set {instance}")
        found[instance] = number
    return found


def _instance(message: SignedMessage, number: int, name: bytes) -> int:
    value = message.fields[number].value
    if name == _RESULTS:
        said = _INSTANCE.match(value[: limits.DKIM_FIELD_BYTES].decode("latin-1"))
    else:
        said = _INSTANCE.fullmatch("i=" + _tags(message, number).get("i", ""))
    if said is None:
        raise Unverified(Result.FAIL, "a field of ARC does not say of which set it is")
    return int(said[1])


def check(message: SignedMessage, chain: Chain | Unverified, dns: Dns) -> Arc:
    """Return what is to be said of the chain, or of what is none."""
    try:
        if isinstance(chain, Unverified):
            raise chain
        if chain.newest is None:
            return Arc(Result.NONE)
        _check_said(chain)
        answers = dns.ask(chain.questions())
        _verify(message, chain, chain.newest, answers)
    except Unverified as why:
        return Arc(Result.TEMPERROR if why.result is Result.TEMPERROR else Result.FAIL, why.reason)
    return Arc(Result.PASS, sealers=tuple(seal.signer.domain for seal in chain.seals))


def _check_said(chain: Chain) -> None:
    for number, seal in enumerate(chain.seals, 1):
        if seal.said != ("none" if number == 1 else "pass"):
            raise Unverified(Result.FAIL, f"the seal {number} says cv={seal.said}")


def _verify(message: SignedMessage, chain: Chain, newest: Signature, answers: list[Answer]) -> None:
    signature.verify(message, newest, answers[0])
    before = hashlib.sha256()
    for number, (seal, answer) in enumerate(zip(chain.seals, answers[1:], strict=True), 1):
        before.update(message.field(seal.results, relaxed=True) + message.field(seal.message, relaxed=True))
        sealed = before.copy()
        sealed.update(message.own_field(seal.seal, relaxed=True))
        try:
            signature.verify_digest(seal.signer, answer, sealed.digest())
        except Unverified as why:
            raise Unverified(why.result, f"the seal {number}: {why.reason}") from None
        before.update(message.field(seal.seal, relaxed=True))
