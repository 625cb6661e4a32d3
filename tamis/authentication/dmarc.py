"""What the author's domain asks for (RFC 7489): its record, found and read."""

from dataclasses import dataclass
from typing import Final

from tamis import limits
from tamis.authentication.domains import organisational
from tamis.authentication.results import Result, Unverified
from tamis.authentication.tags import parse_tags
from tamis.dns import Answer, Question
from tamis.dns.lookups import Dns

_POLICIES: Final = ("none", "quarantine", "reject")


@dataclass(frozen=True, slots=True)
class Record:
    """What a record says of one domain: the policy for it, and whether alignment is strict."""

    policy: str
    dkim_strict: bool
    spf_strict: bool


def questions(domain: str) -> list[Question]:
    """Return what is asked for the record of a domain: its own, then its organisation's."""
    names = dict.fromkeys((domain, organisational(domain)))
    return [Question(f"_dmarc.{name}", "TXT") for name in names]


def find(domain: str, dns: Dns) -> Record | None:
    """Return the record that holds for a domain, None where there is none. Raises `Unverified`."""
    own, *above = dns.ask(questions(domain))
    for answer, is_own in ((own, True), *((answer, False) for answer in above)):
        found = _records(answer)
        if len(found) == 1:
            return _read(found[0], is_own)
        if found:
            return None  # More than one is as good as none (section 6.6.3).
    return None


def _records(answer: Answer) -> list[dict[str, str]]:
    if answer.temporary:
        raise Unverified(Result.TEMPERROR, f"the DNS does not answer for the policy: {answer.status}")
    short = (record for record in answer.records if len(record) <= limits.DMARC_RECORD_BYTES)
    tagged = (parse_tags(record) for record in short if record.lstrip().startswith(b"v"))
    return [tags for tags in tagged if tags and next(iter(tags.items())) == ("v", "DMARC1")]


def _read(tags: dict[str, str], own: bool) -> Record | None:
    policy = tags.get("p", "").lower()
    asked = policy if own else tags.get("sp", policy).lower()
    if policy not in _POLICIES or asked not in _POLICIES:
        if "rua" not in tags:
            raise Unverified(Result.PERMERROR, "the policy cannot be read")
        asked = "none"  # Who wants reports is taken for wanting nothing else (section 6.6.3).
    if tags.get("pct") == "0" or tags.get("t", "").lower() == "y":
        # Only tried out: what is asked for is one step less (section 6.6.4).
        asked = _POLICIES[max(0, _POLICIES.index(asked) - 1)]
    return Record(asked, tags.get("adkim", "r").lower() == "s", tags.get("aspf", "r").lower() == "s")
