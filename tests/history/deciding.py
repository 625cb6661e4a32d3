"""Decisions for the tests of the history."""

from datetime import UTC, datetime
from typing import Any, Final

from tamis.history.decided import Asked, Decided, Said, Share

NOW: Final = datetime.now(UTC).timestamp()


def share(*recipients: str, verdict: str = "spam", **changed: Any) -> Share:
    known: dict[str, Any] = {"action": "hold", "mode": "quarantine", "row": "16", "name": "maps-rbl"}
    known |= {"test": "RBL_HALF", "because": "4 of 7 lists know 192.0.2.7", "score": 8500, "level": 7.5}
    known |= {"tests": (("BAYES", 8000), ("RDNS_NONE", 500))}
    if verdict == "ham":
        known |= {"action": "deliver", "row": "", "name": "", "test": "", "because": "", "score": 100}
        known |= {"tests": (("BAYES", 100),)}
    return Share(tuple(recipients), verdict, **(known | changed))


def made(number: int = 1, **changed: Any) -> Decided:
    """A decision; those of higher numbers are older, a minute each."""
    known: dict[str, Any] = {
        "id": f"{number:016x}",
        "at": NOW - 60 * number,
        "answer": "250",
        "mail_class": "inbound",
        "queue_id": f"4Q{number}",
        "peer": "192.0.2.7",
        "rdns": "mail.example.net",
        "helo": "mail.example.net",
        "sender": "ann@example.net",
        "authors": ("ann@example.net",),
        "recipients": ("bob@example.org",),
        "header_id": f"<{number}@example.net>",
        "size": 1234,
        "milliseconds": 12.5,
        "rows": (
            Asked("5", "spf", 1.5, abstained="no answer"),
            Asked("16", "maps-rbl", 3.25, hits=(Said("RBL_HALF", "4 of 7 lists know 192.0.2.7", True),)),
            Asked("27", "bayes", 2.0, True),
        ),
    }
    known |= changed
    if "shares" not in known:
        known["shares"] = (share(*known["recipients"]),)
    return Decided(**known)
