"""Decisions under another policy, from what is kept of them; held to what the engine itself decides."""

from functools import cache
from typing import Any

import pytest

from tamis.config import parse
from tamis.engine import Engine
from tamis.history.decided import Asked, Decided, Said, Share, decided
from tamis.history.replay import Changed, Outcome, replay, replay_all
from tamis.testing import mail
from tests.history.deciding import made, share


def outcome(one: Decided, **changed: Any) -> Outcome:
    return replay(one, one.shares[0], Changed(**changed))


SCORED = (
    Asked("16", "maps-rbl", hits=(Said("RBL_SOME", "2 of 7", share=0.5),)),
    Asked("27", "bayes", hits=(Said("BAYES", "x"),)),
)


def scored(score: int, **changed: Any) -> Decided:
    tests = (("BAYES", score - 500), ("RBL_SOME", 500))
    spam = score >= 7500
    row = {"row": "27", "name": "bayes", "test": ""} if spam else {}
    verdict = share("bob@example.org", verdict="spam" if spam else "ham", score=score, tests=tests, **row)
    return made(rows=SCORED, shares=(verdict,), **changed)


@pytest.mark.parametrize(
    ("score", "changed", "verdict", "action", "row"),
    [
        (8000, {}, "spam", "hold", "16"),
        (3000, {}, "ham", "deliver", ""),
        (3000, {"level": 3.0}, "spam", "hold", "16"),
        (3000, {"level": 3.0, "off": frozenset({"maps-rbl"})}, "ham", "deliver", ""),
        (8000, {"level": 12.0, "off": frozenset({"maps-rbl"})}, "ham", "deliver", ""),
        (8000, {"mode": "junk"}, "spam", "junk", "16"),
        (8000, {"mode": "observe"}, "spam", "observe", "16"),
    ],
)
def test_level_mode_and_rows(score: int, changed: dict[str, Any], verdict: str, action: str, row: str) -> None:
    found = outcome(scored(score), **changed)
    assert (found.verdict, found.action, found.row) == (verdict, action, row)


def test_what_was_not_asked_is_not_known() -> None:
    one = made()  # Row 16 decided; nobody asked row 17 and those behind it.
    without = outcome(one, off=frozenset({"maps-rbl"}))
    assert without.verdict == "spam"  # By the score, which is always computed: 8.5, all of it of other rows.
    lower = outcome(one, off=frozenset({"maps-rbl"}), level=12.0)
    assert (lower.verdict, lower.certain) == ("ham", False)
    assert outcome(one, level=12.0).certain


def test_others_whitelists_are_not_this_recipients() -> None:
    rows = (Asked("6", "whitelisted-sender", hits=(Said("WL_SENDER", "x", True, domain="example.com"),)), *made().rows)
    assert outcome(made(rows=rows)).verdict == "spam"
    ours = (Asked("6", "whitelisted-sender", hits=(Said("WL_SENDER", "x", True, domain="example.org"),)), *made().rows)
    assert outcome(made(rows=ours)).verdict == "ham"
    assert outcome(made(rows=ours), off=frozenset({"whitelisted-sender"})).verdict == "spam"


def test_malware_is_held_whatever_the_mode() -> None:
    rows = (Asked("1", "antivirus-1", hits=(Said("AV_1", "Eicar", True),)),)
    one = made(rows=rows, shares=(share("bob@example.org", verdict="malware", row="1", name="antivirus-1"),))
    assert outcome(one, mode="junk") == Outcome("malware", "hold", "1", "Eicar", 8500)
    assert outcome(one, mode="observe").action == "observe"


def test_what_a_trap_got_is_held() -> None:
    assert outcome(made(traps=("bob@example.org",)), mode="tag").action == "hold"
    rows = (*made().rows, Asked("25", "hypercube", hits=(Said("HYPERCUBE", "near", True),)))
    assert outcome(made(rows=rows), mode="tag").verdict == "malware"


def test_many_are_summed() -> None:
    both = share("bob@example.org", "eve@example.org")
    decisions = [scored(8000), scored(3000), made(shares=(both,)), made(shares=(Share(("x@y.example",), "later"),))]
    result = replay_all(decisions, Changed(mode="junk"))
    assert (result.recipients, result.changed) == (4, 3)
    assert result.before == {("spam", "hold"): 3, ("ham", "deliver"): 1}
    assert result.after == {("spam", "junk"): 3, ("ham", "deliver"): 1}
    assert result.differences["spam", "hold", "spam", "junk"].number == 3


LETTERS = {
    "ham": "From: Ann <ann@example.net>\nTo: bob@example.org\nMessage-ID: <1@example.net>\n\nAt noon?\n",
    "empty": "From: ann@example.net\nMessage-ID: <2@example.net>\n\n\n",
    "cyrillic": "From: ann@example.net\nContent-Type: text/plain; charset=utf-8\n\nПривет, как дела сегодня?\n",
    "spam": "From: X <x@casino.example>\nSubject: !!! FREE MONEY viagra casino\n\nGo to http://casino.example/\n",
}


@cache
def engine(policy: str) -> Engine:
    return Engine(parse(policy, ""), network=False)


@pytest.mark.slow
@pytest.mark.parametrize("letter", LETTERS)
@pytest.mark.parametrize(
    ("policy", "changed"),
    [
        ("level = 3", {"level": 3.0}),
        ("level = 12", {"level": 12.0}),
        ('mode = "junk"', {"mode": "junk"}),
        ("[policy.filters.empty-mail]\nenabled = false", {"off": frozenset({"empty-mail"})}),
        ("[policy.filters.bayes]\nenabled = false", {"off": frozenset({"bayes"})}),
    ],
)
def test_the_engine_agrees_where_it_is_certain(letter: str, policy: str, changed: dict[str, Any]) -> None:
    def verdict(policy: str) -> Decided:
        message = mail(LETTERS[letter], sender="ann@example.net", recipients=["bob@example.org"])
        return decided(engine(policy).examine(message), "250")

    text = policy if policy.startswith("[") else f"[policy]\n{policy}"
    wanted, known = verdict(text).shares[0], verdict("")
    found = outcome(known, **changed)
    if found.certain:
        assert (found.verdict, found.action) == (wanted.verdict, wanted.action)
    if "off" not in changed:
        assert found.certain
        assert (found.row, found.score) == (wanted.row, wanted.score)
