"""The headers shown in docs/how-it-works.md are written by the code, and their weights add up."""

import re
from pathlib import Path

from tamis.filters.order import BY_NAME
from tamis.headers import changes
from tamis.record import Record, Verdict
from tamis.settings import Headers
from tamis.testing import mail

PAGE = (Path(__file__).parents[2] / "docs" / "how-it-works.md").read_text(encoding="utf-8")
SPAM, WHITELISTED = re.findall(r"^```text\n(.*?)^```$", PAGE, re.S | re.M)
TESTS = {"BAYES": 7956, "MISSING_DATE": 214, "MISSING_MESSAGE_ID": 250, "RECEIVED_NONE": 0}


def _headers(**verdict: object) -> str:
    """Return the headers of a message with the envelope of the page and that verdict."""
    message = mail("\n", helo="mx.spammer.example", sender="offers@spammer.example", recipients=["info@example.org"])
    message.id = "3684654e22baa94c"
    score = sum(TESTS.values())
    said = {"recipient": "info@example.org", "mode": "tag", "level": 7.5, "score": score, "tests": tuple(TESTS.items())}
    record = Record(message, verdicts=[Verdict(**{**said, **verdict})])  # type: ignore[arg-type]
    return "".join(f"{name}: {value}\n" for name, value in changes(record, Headers()).add)


def test_the_headers_of_spam() -> None:
    because = "score 8.42 reaches the level 7.5"
    assert _headers(spam=True, action="tag", row=BY_NAME["bayes"], because=because) == SPAM


def test_the_headers_of_whitelisted_mail() -> None:
    written = _headers(
        spam=False,
        action="deliver",
        row=BY_NAME["whitelisted-ip"],
        because="peer matches 192.0.2.7 (whitelist_ip of example.org)",
        let_through="Whitelisted Peer IP",
    )
    for line in WHITELISTED.splitlines(keepends=True):
        assert line in written


def test_the_printed_weights_add_up() -> None:
    (score,) = re.findall(r"X-Ico-Bay: (\S+)", SPAM)
    weights = re.findall(r"[A-Z_0-9]+: ([0-9.-]+)", SPAM.partition("tests=")[2].partition("\nX-")[0])
    assert round(sum(map(float, weights)), 3) == float(score)
