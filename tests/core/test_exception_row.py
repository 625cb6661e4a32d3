"""What an exception of row 18 skips: the judgement of rows 19 to 31, but for those that look for malware."""

import pytest

from tamis.config import parse
from tamis.examination import Examination, Snapshot
from tamis.filters.malformed_headers import MalformedHeaders
from tamis.lists import Entry, ListName, Lists
from tamis.policy import Policies
from tamis.record import Record
from tamis.rules.matching import Rules
from tamis.rules.reading import read
from tamis.testing import mail
from tests.core.probes import DECIDES, Memory, Place, Probe, ScoringProbe

RULES = """
[rule.our-forum]
description = "the digest of our forum, which quotes anything"
use = "exception"
where = ["header:list-id"]
patterns = ['forum[.]example[.]org']

[rule.pills]
description = "pills"
patterns = ['viagra']
decides = true
"""
TO_THE_FORUM = "From: a@x.example\nList-Id: <forum.example.org>\n\nviagra\n"
OTHER = "From: a@x.example\nList-Id: <other.example.org>\n\nviagra\n"


def run(text: str, config: str = "", *lists: Entry) -> Record:
    rules = Rules(read([("rules.toml", RULES)]))
    snapshot = Snapshot(Policies(parse(config, "x")), Lists(lists), None, rules=rules)
    whole = mail(text, sender="a@x.example")
    return Examination(whole, snapshot, Memory()).run()


def test_it_skips_the_judgement_of_what_follows() -> None:
    (verdict,) = run(OTHER).verdicts
    assert (verdict.spam, verdict.row and verdict.row.number) == (True, "19")
    (verdict,) = run(TO_THE_FORUM).verdicts
    assert (verdict.spam, verdict.action, verdict.let_through) == (False, "deliver", "Keyword Exception")
    assert verdict.row is not None
    assert verdict.row.number == "18"
    assert "our-forum" in verdict.because
    assert ("RULE_PILLS", 0) in verdict.tests, "the score is computed all the same"


@pytest.mark.parametrize("row", ["ocr", "mail-checksum", "surbl", "spamassassin", "helo"])
def test_no_row_up_to_31_judges(row: str, place: Place) -> None:
    place(**{row: Probe(DECIDES)})
    assert run(OTHER.replace("viagra", "")).verdicts[0].spam
    assert not run(TO_THE_FORUM).verdicts[0].spam


@pytest.mark.parametrize("row", ["antivirus-2", "hypercube", "attachment-hashes"])
def test_rows_24_to_26_judge(row: str, place: Place) -> None:
    place(**{row: Probe(DECIDES)})
    (verdict,) = run(TO_THE_FORUM).verdicts
    assert verdict.malware
    assert verdict.let_through == ""


def test_rows_before_it_judge(place: Place) -> None:
    place(spf=ScoringProbe(DECIDES))
    assert run(TO_THE_FORUM).verdicts[0].spam


def test_a_whitelist_before_it_names_the_reason() -> None:
    listed = Entry(ListName.WHITELIST_SENDER, "a@x.example", "", "test")
    (verdict,) = run(TO_THE_FORUM, "", listed).verdicts
    assert verdict.row is not None
    assert verdict.row.number == "6"


def test_a_domain_may_switch_it_off() -> None:
    config = '[domain."example.org".filters.exceptions]\nenabled = false'
    assert run(TO_THE_FORUM, config).verdicts[0].spam


def test_row_33_still_annotates() -> None:
    assert MalformedHeaders.tests.keys() & {name for name, _ in run(TO_THE_FORUM).verdicts[0].tests}


def test_the_answer_is_cached_with_the_rules_it_comes_from() -> None:
    cache = Memory()
    message = mail(OTHER, sender="a@x.example")
    policies = Policies(parse("", "x"))

    def judged(text: str) -> bool:
        rules = Rules(read([("rules.toml", text)]))
        record = Examination(message, Snapshot(policies, Lists(), None, rules=rules), cache).run()
        cached = {answer.row.number: answer.cached for answer in record.answers}
        return cached["19"]

    assert not judged(RULES)
    assert judged(RULES)
    assert not judged(RULES.replace("viagra", "cialis"))
