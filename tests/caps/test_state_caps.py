"""Caps on what is remembered and written down: rules, policies, the history."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tamis import limits, policy
from tamis.history import journal as journals
from tamis.history.decided import _asked, decode, encode, undecided
from tamis.message import Message
from tamis.phishing import author_signs, letter_signs, link_signs, page_signs
from tamis.rules import reading
from tamis.rules.matching import Rules
from tamis.testing import mail
from tests.history.deciding import made, share


def test_rule_file(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"#" * limits.RULE_FILE_BYTES)
    assert reading.texts([path])
    path.write_bytes(b"#" * (limits.RULE_FILE_BYTES + 1))
    with pytest.raises(reading.RulesError, match=str(limits.RULE_FILE_BYTES)):
        reading.texts([path])


def test_rule_combinations() -> None:
    rules = Rules({})
    for number in range(limits.RULE_COMBINATIONS + 10):
        rules.logic({f"R{number}": None})  # type: ignore[dict-item]
    assert len(rules._logic) <= limits.RULE_COMBINATIONS


def test_policies_remembered() -> None:
    known: dict[object, policy.Policy] = {}
    for number in range(limits.POLICIES_REMEMBERED + 10):
        policy._put(known, number, policy._BUILT_IN)
    assert len(known) <= limits.POLICIES_REMEMBERED


def test_history_recipients() -> None:
    names = [f"{number}@example.org" for number in range(limits.HISTORY_RECIPIENTS + 10)]
    assert len(undecided({"recipients": names}, "x", "451").recipients) == limits.HISTORY_RECIPIENTS


def test_history_hits() -> None:
    hit = SimpleNamespace(
        name="X", because="", decides=False, domain="", recipient="", amount=None, let_through="", decides_at_share=None
    )
    row = SimpleNamespace(number="1", name="x")
    answer = SimpleNamespace(
        row=row, hits=[hit] * (limits.HISTORY_HITS + 5), milliseconds=0.0, cached=False, abstained="", error=False
    )
    assert len(_asked(answer).hits) == limits.HISTORY_HITS  # type: ignore[arg-type]


def test_history_of_many_tests() -> None:
    tests = tuple((f"TEST_{number}_{'x' * 100}", 1) for number in range(4000))
    cut = decode(encode(made(1, shares=(share(tests=tests),))))
    assert cut.cut
    assert len(cut.shares[0].tests) == limits.HISTORY_CUT_TESTS


def test_history_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "_LEAST_SECONDS", 0.0)
    journal = journals.HistoryJournal(tmp_path / "history", 10**9)
    journal.note(made(1))
    many = limits.HISTORY_FILES + 1
    assert journal._due(limits.HISTORY_FILES)
    assert not journal._due(many)
    journal._written = limits.HISTORY_FILE_BYTES
    assert journal._due(many)


def test_pages_that_are_looked_at() -> None:
    page = '--b\nContent-Type: text/html; name="a.html"\nContent-Disposition: attachment\n\n<p>x</p>\n'
    head = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n"
    message = Message(f"{head}{page * (limits.SIGN_PAGES + 5)}--b--\n".encode())
    found = [one.name for one in page_signs.found_in(message)]
    assert found.count("PAGE_ATTACHED") == limits.SIGN_PAGES


@pytest.mark.parametrize(("room", "seen"), [(limits.SIGN_CHARS - 1000, True), (limits.SIGN_CHARS, False)])
def test_text_that_is_looked_at(room: int, seen: bool) -> None:
    text = f"Subject: x\nContent-Type: text/plain; charset=utf-8\n\n{'a ' * (room // 2)}{'in​visible ' * 50}\n"
    assert bool([one.name for one in letter_signs.found_in(Message(text.encode()))]) == seen


def test_recipients_of_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def own(_author: object, recipient: str, *_: object) -> list[object]:
        asked.append(recipient)
        return []

    monkeypatch.setattr(author_signs, "_own", own)
    recipients = [f"a{number}@b{number}.example" for number in range(limits.SIGN_RECIPIENTS + 10)]
    letter = mail("From: Ann <ann@sender.example>\n\nhttp://x.example/\n", recipients=recipients)
    list(author_signs.found_in(letter, recipients, frozenset()))
    assert len(asked) == limits.SIGN_RECIPIENTS
    held: list[int] = []
    monkeypatch.setattr(link_signs, "_lookalikes", lambda _link, own: held.append(len(own)) or [])
    list(link_signs.found_in(letter, recipients))
    assert held == [limits.SIGN_RECIPIENTS]
