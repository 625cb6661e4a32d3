"""What authentication says, as tests for X-Spam-Status. They weigh nothing: spam is signed as well as ham."""

from collections.abc import Mapping
from typing import Final

from tamis.authentication.authentication import Authentication
from tamis.authentication.results import Result

TESTS: Final[Mapping[str, str]] = {
    "DKIM_PASS": "a DKIM signature passes in alignment with the author's domain",
    "DKIM_PASS_OTHER": "a DKIM signature passes, of another domain than the author's",
    "DKIM_FAIL": "there are DKIM signatures, and none passes",
    "DMARC_PASS": "the message keeps to the policy of the author's domain",
    "DMARC_FAIL": "the message does not keep to the policy of the author's domain",
    "ARC_PASS": "the chain of those who passed the message on holds",
    "ARC_FAIL": "the chain of those who passed the message on is broken",
}
"""Every name, with what it means."""


def found(authentication: Authentication) -> list[str]:
    """Return the names that hold for a message. What is not known for now has none."""
    results = {one.result for one in authentication.dkim}
    names = []
    if Result.PASS in results:
        names.append("DKIM_PASS" if authentication.dkim_aligned else "DKIM_PASS_OTHER")
    elif results and Result.TEMPERROR not in results:
        names.append("DKIM_FAIL")
    for method, result in (("DMARC", authentication.dmarc.result), ("ARC", authentication.arc.result)):
        if result in (Result.PASS, Result.FAIL):
            names.append(f"{method}_{result.upper()}")
    return names
