"""One message through the documented order: precedence, laziness, failures, cached answers (SPEC, sections 1, 2, 5)."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tamis import limits
from tamis.answers import Answers
from tamis.config import parse
from tamis.contract import Abstain, Context, Hit
from tamis.examination import Examination, Snapshot
from tamis.filters import order
from tamis.lists import Entry, ListName, Lists
from tamis.mail import Mail, MailClass
from tamis.models.bayes import Model
from tamis.policy import Policies
from tamis.record import Record, Verdict
from tamis.redis_client import RedisClient
from tamis.testing import mail
from tests.core.probes import DECIDES, CachedProbe, Memory, Place, Probe, ScoringProbe

TEXT = """\
Received: from mail.example.net ([192.0.2.7]) by mx.example.org; Mon, 1 Jan 2024 10:00:00 +0000
From: Ann <ann@example.net>
To: Bob <bob@example.org>
Subject: hello
Date: Mon, 1 Jan 2024 10:00:00 +0000
Message-ID: <1@example.net>

body
"""
SENDER, RECIPIENT, PEER = "ann@example.net", "bob@example.org", "192.0.2.7"

WL_IP = Entry(ListName.WHITELIST_IP, PEER)
BL_IP = Entry(ListName.BLACKLIST_IP, PEER)
WL_SENDER = Entry(ListName.WHITELIST_SENDER, SENDER)
BL_SENDER = Entry(ListName.BLACKLIST_SENDER, SENDER)


def model(**weights: float) -> Model:
    made = Model()
    made.weights = weights
    return made


UNTAUGHT = model()


def examine(
    text: str = TEXT,
    *,
    lists: Sequence[Entry] = (),
    config: str = "",
    model: Model | None = UNTAUGHT,
    cache: Answers | None = None,
    peer: str = PEER,
    sender: str = SENDER,
    recipients: Sequence[str] = (RECIPIENT,),
    listener: str = "",
    mail_class: MailClass = MailClass.INBOUND,
) -> Record:
    snapshot = Snapshot(Policies(parse(config, "x")), Lists(lists), model, frozenset({"decoy"}))
    message = mail(text, peer=peer, sender=sender, recipients=recipients, listener=listener)
    message.mail_class = mail_class
    return Examination(message, snapshot, cache or Answers(RedisClient())).run()


def only(record: Record) -> Verdict:
    (verdict,) = record.verdicts
    return verdict


def row_of(record: Record) -> str:
    row = only(record).row
    return row.name if row else ""


def asked(record: Record) -> list[str]:
    return [answer.row.name for answer in record.answers]


# Precedence


def test_nothing_against_it() -> None:
    verdict = only(examine())
    assert (verdict.spam, verdict.action, verdict.row, verdict.because) == (False, "deliver", None, "")


@pytest.mark.parametrize(
    ("lists", "row", "spam"),
    [
        ([BL_IP], "blacklisted-ip", True),
        ([BL_SENDER], "blacklisted-sender", True),
        ([BL_IP, BL_SENDER], "blacklisted-ip", True),
        ([WL_IP], "whitelisted-ip", False),
        ([WL_SENDER], "whitelisted-sender", False),
        ([WL_IP, WL_SENDER], "whitelisted-ip", False),
        ([WL_IP, BL_IP, BL_SENDER], "whitelisted-ip", False),
        ([WL_SENDER, BL_IP, BL_SENDER], "whitelisted-sender", False),
    ],
)
def test_the_first_decisive_hit_in_order_names_the_row(lists: list[Entry], row: str, spam: bool) -> None:
    for entries in (lists, lists[::-1]):
        record = examine(lists=entries)
        assert (row_of(record), only(record).spam) == (row, spam)


@pytest.mark.parametrize("list_name", ["blacklisted-ip", "blacklisted-sender", "sender-complaint", "maps-rbl", "bayes"])
def test_whitelists_win_over_all_that_comes_after_them(place: Place, list_name: str) -> None:
    place(**{list_name.replace("-", "_"): Probe(DECIDES)})
    for entry, row in ((WL_IP, "whitelisted-ip"), (WL_SENDER, "whitelisted-sender")):
        record = examine(lists=[entry])
        assert (row_of(record), only(record).spam) == (row, False)


def test_spf_stands_between_the_whitelists(place: Place) -> None:
    place(spf=Probe(DECIDES))
    assert row_of(examine(lists=[WL_SENDER])) == "spf"
    assert row_of(examine(lists=[WL_IP])) == "whitelisted-ip"


@pytest.mark.parametrize("name", ["antivirus-1", "antivirus-2", "hypercube", "attachment-hashes"])
def test_malware_wins_over_every_whitelist(place: Place, name: str) -> None:
    place(**{name.replace("-", "_"): Probe(DECIDES)})
    record = examine(lists=[WL_IP, WL_SENDER])
    assert (row_of(record), only(record).spam) == (name, True)


def test_what_let_a_message_through_is_said() -> None:
    verdict = only(examine(lists=[WL_IP]))
    assert verdict.let_through == "Whitelisted Peer IP"
    assert verdict.because == "peer matches 192.0.2.7 (whitelist_ip of the platform)"
    assert only(examine(lists=[WL_SENDER])).let_through == "Whitelisted EMail Address"
    author = examine(lists=[WL_SENDER], sender="other@example.org")
    assert only(author).let_through == "Whitelisted EMail Address From (NRP)"
    assert only(examine(lists=[BL_IP])).let_through == ""


# The score and the level


@pytest.mark.parametrize(
    ("amount", "level", "spam"),
    [(7.5, 7.5, True), (7.499, 7.5, False), (7.4996, 7.5, True), (3.0, 3, True), (8.9, 9, False), (-5.0, 3, False)],
)
def test_the_level_is_reached_or_not(place: Place, amount: float, level: float, spam: bool) -> None:
    place(bayes=ScoringProbe(Hit("BAYES", "", amount=amount)))
    record = examine(config=f"[policy]\nlevel = {level}\n")
    verdict = only(record)
    assert verdict.spam is spam
    assert row_of(record) == ("bayes" if spam else "")
    assert verdict.score == round(1000 * amount)
    if spam:
        assert "reaches the level" in verdict.because


def test_an_earlier_row_names_the_reason_and_the_score_is_computed_all_the_same(place: Place) -> None:
    place(bayes=ScoringProbe(Hit("BAYES", "", amount=20.0)))
    for lists, row in (([BL_SENDER], "blacklisted-sender"), ([WL_IP], "whitelisted-ip")):
        record = examine(lists=lists)
        assert row_of(record) == row
        assert only(record).score == 20_000


def test_the_score_is_the_sum_of_rounded_weights(place: Place) -> None:
    place(
        bayes=ScoringProbe(Hit("BAYES", "", amount=0.0004), Hit("BAYES", "", amount=0.0006)),
        malformed_headers=ScoringProbe(Hit("A", ""), Hit("B", ""), Hit("A", ""), Hit("C", "")),
    )
    verdict = only(examine(model=model(A=1.0004, B=-0.25)))
    tests = {name: weight for name, weight in verdict.tests if not name.endswith(("_ABSTAINED", "_TEMPERROR"))}
    assert tests == {"BAYES": 1, "A": 2000, "B": -250, "C": 0}
    assert verdict.score == sum(weight for _, weight in verdict.tests) == 1751


def test_without_a_model_the_row_abstains() -> None:
    verdict = only(examine(model=None))
    assert dict(verdict.tests)["BAYES_ABSTAINED"] == 0
    assert not verdict.spam


def test_a_row_switched_off_weighs_nothing_and_says_so(place: Place) -> None:
    bayes = ScoringProbe(Hit("BAYES", "", amount=20.0))
    place(bayes=bayes)
    config = "".join(
        f"[policy.filters.{row.name}]\nenabled = false\n" for row in order.ORDER if row.filter and row.filter.scores
    )
    verdict = only(examine(config=config))
    assert {("BAYES", 0), ("MALFORMED_HEADERS", 0)} <= set(verdict.tests)
    assert not any(weight or name.endswith("_ABSTAINED") for name, weight in verdict.tests)
    assert not verdict.spam
    assert bayes.asked == []


def test_switching_the_judgement_off_leaves_the_evidence_of_other_rows(place: Place) -> None:
    """With row 27 off no score decides, however high."""
    place(malformed_headers=ScoringProbe(Hit("A", "", amount=50.0)))
    verdict = only(examine(config="[policy.filters.bayes]\nenabled = false\n"))
    assert verdict.score == 50_000
    assert not verdict.spam


@pytest.mark.parametrize(
    ("amount", "level", "row"),
    [(3.75, 7.5, "spf"), (3.749, 7.5, ""), (1.5, 3, "spf"), (5.999, 12, ""), (6.0, 12, "spf"), (7.5, 7.5, "spf")],
)
def test_a_hit_decides_from_a_share_of_the_level_on(place: Place, amount: float, level: float, row: str) -> None:
    share = Hit("PROBE", "odd", decides_at_share=0.5)
    place(spf=Probe(share), bayes=ScoringProbe(Hit("BAYES", "", amount=amount)))
    record = examine(config=f"[policy]\nlevel = {level}\n")
    assert row_of(record) == row
    if row:
        needed = f"{level / 2:g}"
        assert only(record).because == f"odd; score {amount:g} reaches {needed}, 50% of the level"


def test_what_such_a_hit_scores_itself_counts(place: Place) -> None:
    """The score is the one that is printed, whatever row it came from."""
    place(spf=ScoringProbe(Hit("PROBE", "odd", amount=1.0, decides_at_share=0.5)))
    assert row_of(examine(model=model(MISSING_TO=0.0))) == ""
    place(bayes=ScoringProbe(Hit("BAYES", "", amount=2.75)))
    verdict = only(examine())
    assert (verdict.row and verdict.row.name, verdict.test, verdict.score) == ("spf", "PROBE", 3750)


def test_recipients_with_other_levels_are_judged_on_their_own(place: Place) -> None:
    place(
        spf=Probe(Hit("PROBE", "odd", decides_at_share=0.5)),
        bayes=ScoringProbe(Hit("BAYES", "", amount=2.0)),
    )
    record = examine(config='[domain."strict.example"]\nlevel = 3\n', recipients=("x@strict.example", "x@y.example"))
    assert [verdict.spam for verdict in record.verdicts] == [True, False]


def test_a_hit_below_its_share_does_not_hide_one_that_decides(place: Place) -> None:
    place(spf=Probe(Hit("ODD", "odd", decides_at_share=0.5), Hit("PROBE", "because", True)))
    assert (row_of(examine()), only(examine()).test) == ("spf", "PROBE")
    assert row_of(examine(lists=[WL_IP])) == "whitelisted-ip"


def test_a_share_survives_the_cache(place: Place) -> None:
    cache = Memory()
    place(bayes=CachedProbe(Hit("BAYES", "", amount=3.0)), spf=CachedProbe(Hit("ODD", "odd", decides_at_share=0.5)))
    assert [row_of(examine(cache=cache)) for _ in range(2)] == ["", ""]
    strict = "[policy]\nlevel = 4.5\n"
    assert row_of(examine(cache=cache, config=strict)) == "spf"


def test_a_message_larger_than_what_is_read_says_so() -> None:
    tests = dict(only(examine(TEXT + "a" * limits.MESSAGE_BYTES)).tests)
    assert tests["SIZE_CAPPED"] == 0


def test_a_switched_off_list_is_not_asked() -> None:
    record = examine(lists=[WL_IP, BL_IP], config="[policy.filters.whitelisted-ip]\nenabled = false\n")
    assert row_of(record) == "blacklisted-ip"
    assert "whitelisted-ip" not in asked(record)


def test_antispam_off_leaves_malware_and_the_score(place: Place) -> None:
    config = '[domain."example.org"]\nantispam = false\n'
    place(bayes=ScoringProbe(Hit("BAYES", "", amount=20.0)))
    verdict = only(examine(lists=[BL_IP, BL_SENDER], config=config))
    assert (verdict.spam, verdict.action, verdict.score) == (False, "deliver", 20_000)
    place(antivirus_2=Probe(DECIDES))
    assert row_of(examine(config=config)) == "antivirus-2"


@pytest.mark.parametrize(
    ("mode", "action"), [("tag", "tag"), ("observe", "observe"), ("quarantine", "hold"), ("junk", "junk")]
)
def test_modes(mode: str, action: str) -> None:
    verdict = only(examine(lists=[BL_IP], config=f'[policy]\nmode = "{mode}"\n'))
    assert (verdict.spam, verdict.action, verdict.mode) == (True, action, mode)
    assert only(examine(config=f'[policy]\nmode = "{mode}"\n')).action == "deliver"


@pytest.mark.parametrize("name", ["antivirus-1", "honeypot", "antivirus-2", "hypercube", "attachment-hashes"])
@pytest.mark.parametrize(
    ("mode", "action"), [("tag", "hold"), ("observe", "observe"), ("quarantine", "hold"), ("junk", "hold")]
)
def test_malware_and_traps_are_held_in_every_mode_but_observe(place: Place, name: str, mode: str, action: str) -> None:
    place(**{name.replace("-", "_"): Probe(DECIDES)})
    assert only(examine(config=f'[policy]\nmode = "{mode}"\n')).action == action


# Rows that refuse at RCPT


OBSERVE = '[policy]\nmode = "observe"\n'
BAN = Entry(ListName.BAN_IP, PEER)


@pytest.mark.parametrize("mode", ["quarantine", "tag", "junk"])
def test_at_the_end_of_a_message_they_are_not_asked(place: Place, mode: str) -> None:
    probe = Probe(DECIDES)
    place(greylisting=probe)
    config = f'[policy]\nmode = "{mode}"\n[policy.filters.greylisting]\nenabled = true\n'
    record = examine(lists=[BAN], config=config)
    assert not {"banned-ip", "greylisting"} & set(asked(record))
    assert (probe.asked, row_of(record)) == ([], "")


def test_in_mode_observe_what_they_would_have_refused_is_printed() -> None:
    twice = [BAN, Entry(ListName.BAN_IP, "192.0.2.0/24", "example.org")]
    record = examine(lists=twice, config=OBSERVE)
    assert (row_of(record), only(record).spam, only(record).action) == ("", False, "deliver")
    assert [test for test in only(record).tests if test[0] == "BANNED_IP"] == [("BANNED_IP", 0)]
    assert "BANNED_IP" not in dict(only(examine(config=OBSERVE)).tests)


def test_it_hides_no_other_row() -> None:
    for entry, row in ((BL_IP, "blacklisted-ip"), (WL_IP, "whitelisted-ip")):
        record = examine(lists=[BAN, entry], config=OBSERVE)
        assert (row_of(record), dict(only(record).tests)["BANNED_IP"]) == (row, 0)


def test_what_never_would_be_refused_is_not_asked() -> None:
    """Behind a relay the peer is not known at RCPT; with the row or the antispam off nobody wants to know."""
    off = ("antispam = false\n", "filters.banned-ip.enabled = false\n")
    records = [examine(lists=[BAN], config=OBSERVE + key) for key in off]
    records.append(examine(lists=[BAN], config=OBSERVE, mail_class=MailClass.RELAYED))
    assert not any("banned-ip" in asked(record) for record in records)


def test_one_recipients_mode_tells_nothing_to_another() -> None:
    config = '[domain."example.org"]\nmode = "observe"\n'
    record = examine(lists=[BAN], config=config, recipients=("a@example.org", "b@example.com"))
    assert ["BANNED_IP" in dict(verdict.tests) for verdict in record.verdicts] == [True, False]


# Traps


TRAP = Entry(ListName.TRAP, "hidden@example.org")
BOTH = ("hidden@example.org", "bob@example.org")


def test_a_trap_among_others_is_its_own() -> None:
    record = examine(lists=[TRAP], recipients=BOTH)
    assert [(verdict.spam, verdict.action) for verdict in record.verdicts] == [(True, "hold"), (False, "deliver")]
    assert (record.traps, record.only_traps, record.learn_as_spam) == ({"hidden@example.org"}, False, False)


def test_what_only_traps_got_is_learned() -> None:
    record = examine(lists=[TRAP], recipients=("hidden@example.org", "Hidden@example.org"))
    assert (record.only_traps, record.learn_as_spam) == (True, True)
    assert row_of(record) == "honeypot"


def test_without_traps_nothing_is() -> None:
    for record in (examine(), examine(recipients=()), examine(recipients=(), lists=[TRAP])):
        assert (record.traps, record.only_traps, record.learn_as_spam) == (set(), False, False)


def test_another_row_may_have_decided() -> None:
    record = examine(lists=[TRAP, BL_IP], recipients=["hidden@example.org"])
    assert (row_of(record), record.only_traps, record.learn_as_spam) == ("blacklisted-ip", True, True)
    assert only(record).action == "hold"


def test_what_was_let_through_is_not_learned() -> None:
    record = examine(lists=[TRAP, WL_IP], recipients=["hidden@example.org"])
    assert (row_of(record), record.only_traps, record.learn_as_spam) == ("whitelisted-ip", True, False)


@pytest.mark.parametrize(
    ("keys", "traps", "learn"),
    [
        ("filters.honeypot.learn = false", True, False),
        ("filters.honeypot.enabled = false", False, False),
        ("antispam = false", False, False),
        ('mode = "observe"', True, True),
    ],
)
def test_each_domain_chooses(keys: str, traps: bool, learn: bool) -> None:
    entries = [TRAP, Entry(ListName.TRAP, "hidden@example.com"), BL_IP]
    config = f'[domain."example.com"]\n{keys}\n'
    record = examine(lists=entries, recipients=("hidden@example.org", "hidden@example.com"), config=config)
    assert ("hidden@example.com" in record.traps, record.only_traps, record.learn_as_spam) == (traps, traps, learn)


def test_a_decoy_listener_makes_traps_of_all() -> None:
    record = examine(recipients=BOTH, listener="decoy")
    assert {verdict.row.name for verdict in record.verdicts if verdict.row} == {"honeypot"}
    assert (record.only_traps, record.learn_as_spam) == (True, True)
    assert not examine(recipients=BOTH, listener="smtpd").traps


def test_without_any_trap_the_row_is_not_asked_beside_the_walk() -> None:
    assert "honeypot" not in asked(examine(lists=[BL_IP]))
    assert "honeypot" in asked(examine(lists=[BL_IP, TRAP]))


# Laziness


def test_after_a_decision_only_scoring_rows_are_asked(place: Place) -> None:
    before, deciding, after, scoring = Probe(), Probe(DECIDES), Probe(DECIDES), ScoringProbe()
    place(spf=before, reverse_dns=deciding, spamassassin=after, helo=scoring)
    record = examine()
    assert row_of(record) == "reverse-dns"
    assert [len(probe.asked) for probe in (before, deciding, after, scoring)] == [1, 1, 0, 1]
    assert asked(record) == sorted(asked(record), key=[row.name for row in order.ORDER].index)
    assert "empty-mail" not in asked(record)


def test_after_a_whitelist_only_malware_is_asked(place: Place) -> None:
    spf, malware, late = Probe(DECIDES), Probe(), Probe(DECIDES)
    place(spf=spf, antivirus_2=malware, spamassassin=late)
    examine(lists=[WL_IP])
    assert [len(probe.asked) for probe in (spf, malware, late)] == [0, 1, 0]


def test_a_row_is_asked_once_for_all_who_share_its_options(place: Place) -> None:
    probe, scoring = Probe(), ScoringProbe()
    place(spf=probe, helo=scoring)
    recipients = ("a@example.org", "b@example.org", "c@example.com", "A@Example.org")
    record = examine(recipients=recipients)
    assert probe.asked == scoring.asked == [("a@example.org", "b@example.org", "c@example.com")]
    assert len(record.verdicts) == 3


def test_a_row_is_asked_once_for_each_distinct_options() -> None:
    config = (
        "[policy.filters.cyrillic]\nenabled = true\n"
        '[domain."b.example".filters.cyrillic]\nratio = 0.9\n'
        '[domain."c.example".filters.cyrillic]\nenabled = false\n'
    )
    text = TEXT + "Привет, a long letter in Latin letters\n"
    record = examine(text, config=config, recipients=("x@a.example", "x@b.example", "x@c.example", "y@a.example"))
    assert [verdict.spam for verdict in record.verdicts] == [True, False, False, True]
    assert asked(record).count("cyrillic") == 2


# Several recipients


def test_verdicts_are_each_policys_own(place: Place) -> None:
    place(bayes=ScoringProbe(Hit("BAYES", "", amount=8.0)))
    config = (
        '[domain."strict.example"]\nlevel = 3\nmode = "tag"\n[domain."easy.example"]\nlevel = 12\n'
        '[domain."off.example"]\nantispam = false\n'
    )
    lists = [
        Entry(ListName.WHITELIST_SENDER, SENDER, "friend.example"),
        Entry(ListName.BLACKLIST_IP, PEER, "foe.example"),
    ]
    domains = ("strict.example", "easy.example", "off.example", "friend.example", "foe.example", "other.example")
    record = examine(config=config, lists=lists, recipients=[f"x@{domain}" for domain in domains])
    rows = {v.recipient.partition("@")[2]: (v.spam, v.row.name if v.row else "", v.action) for v in record.verdicts}
    assert rows == {
        "strict.example": (True, "bayes", "tag"),
        "easy.example": (False, "", "deliver"),
        "off.example": (False, "", "deliver"),
        "friend.example": (False, "whitelisted-sender", "deliver"),
        "foe.example": (True, "blacklisted-ip", "hold"),
        "other.example": (True, "bayes", "hold"),
    }


def test_hits_reach_those_they_are_about(place: Place) -> None:
    place(
        spf=Probe(Hit("ONE", "", True, recipient="a@example.org"), Hit("DOMAIN", "", True, domain="example.com")),
        helo=ScoringProbe(Hit("MINE", "", amount=1.0, recipient="a@example.org"), Hit("ALL", "", amount=2.0)),
        bayes=ScoringProbe(),
    )
    recipients = ("a@example.org", "b@example.org", "c@example.com")
    record = examine(recipients=recipients)
    assert [verdict.test for verdict in record.verdicts] == ["ONE", "", "DOMAIN"]
    assert [verdict.score for verdict in record.verdicts] == [3000, 2000, 2000]
    assert ["MINE" in dict(verdict.tests) for verdict in record.verdicts] == [True, False, False]


def test_a_domains_own_list_adds_to_the_platforms() -> None:
    lists = [BL_IP, Entry(ListName.WHITELIST_SENDER, SENDER, "example.org")]
    record = examine(lists=lists, recipients=("a@example.org", "b@example.com"))
    assert [verdict.spam for verdict in record.verdicts] == [False, True]


def test_no_recipient_is_no_verdict() -> None:
    record = examine(recipients=())
    assert record.verdicts == []
    assert record.leading is None


# Failures


@pytest.mark.parametrize("error", [ValueError("broken\nbadly"), RecursionError(), MemoryError(), KeyError("x")])
def test_a_filter_that_raises_costs_nothing_else(
    place: Place, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    place(spf=Probe(DECIDES, error), helo=ScoringProbe(Hit("A", "", amount=1.0), error), bayes=ScoringProbe())
    record = examine(lists=[BL_SENDER])
    assert row_of(record) == "blacklisted-sender"
    failed = [answer for answer in record.answers if answer.error]
    assert [answer.row.name for answer in failed] == ["spf", "helo"]
    assert all(answer.abstained.startswith(type(error).__name__) and not answer.hits for answer in failed)
    assert dict(only(record).tests)["HELO_ABSTAINED"] == 0
    assert only(record).score == 0
    logged = [entry for entry in caplog.records if entry.levelno == logging.ERROR]
    assert [entry.__dict__["fields"]["filter"] for entry in logged] == ["helo", "spf"]
    assert all(entry.exc_info for entry in logged)


def test_an_abstention_says_why_and_is_no_error(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place(spf=Probe(Abstain("no answer")))
    record = examine()
    (answer,) = (answer for answer in record.answers if answer.row.name == "spf")
    assert (answer.abstained, answer.error, answer.hits) == ("no answer", False, ())
    assert caplog.records == []


def test_an_abstention_may_leave_evidence_that_scores_and_never_decides(place: Place) -> None:
    reason = Abstain("no answer", [Hit("A", "", amount=1.0), Hit("B", "", decides=True, amount=2.0)])
    place(helo=ScoringProbe(Hit("C", "", amount=4.0), reason))
    record = examine()
    assert row_of(record) == ""
    tests = dict(only(record).tests)
    assert (tests["HELO_ABSTAINED"], tests["A"]) == (0, 1000)
    assert not tests.keys() & {"B", "C"}


def test_an_unknown_peer_leaves_its_rows_out() -> None:
    record = examine(peer="", lists=[WL_IP, BL_IP])
    said = {answer.row.name: answer.abstained for answer in record.answers}
    assert said["whitelisted-ip"] == said["blacklisted-ip"] == "the peer is not known"
    assert row_of(record) == ""


def test_a_used_up_budget_abstains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FILTERS_SECONDS", 0.0)
    record = examine(lists=[BL_IP])
    assert not only(record).spam
    assert {answer.abstained for answer in record.answers} == {"the time for this message is used up"}
    assert {"BAYES_ABSTAINED", "MALFORMED_HEADERS_ABSTAINED"} <= dict(only(record).tests).keys()


def test_a_filter_sees_its_deadline(place: Place) -> None:
    class Late(Probe):
        def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
            yield Hit("PROBE", f"{ctx.deadline < float('inf')}", True)

    place(spf=Late())
    assert only(examine()).because == "True"


# Cached answers


def alone(place: Place, probe: Probe) -> None:
    """Put a probe in the row of the classifier, and nothing that is kept in those that keep something without it."""
    place(bayes=probe, empty_mail=Probe(), malformed_headers=Probe(), surbl=Probe())


def test_one_round_trip_to_ask_and_one_to_store(place: Place) -> None:
    cache, probe = Memory(), CachedProbe(Hit("BAYES", "why", amount=8.0))
    alone(place, probe)
    first, second = examine(cache=cache), examine(cache=cache)
    # With those of rows 18 to 20, which abstain here without rules: that is not stored.
    assert cache.fetched == [4, 4]
    assert cache.stored == [1, 0]
    assert len(probe.asked) == 1
    assert only(first).tests == only(second).tests
    assert only(first).because == only(second).because
    assert [answer.row.name for answer in second.answers if answer.cached] == ["bayes"]
    assert not any(answer.cached for answer in first.answers)


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ({"peer": "198.51.100.1"}, "whitelisted-ip"),
        ({"sender": "eve@example.com"}, "blacklisted-sender"),
        ({"recipients": ("eve@example.net",)}, "same-sender-recipient"),
        ({"text": TEXT.replace("Subject: hello", "Subject: Привет")}, "cyrillic"),
        ({"text": TEXT.replace("Ann <ann@", "Eve <eve@")}, "whitelisted-sender"),
    ],
)
def test_the_same_body_with_anything_else_changed_is_answered_anew(change: dict[str, Any], row: str) -> None:
    """The change turns the answer of the row; an answer keyed on the body alone would stay."""
    config = "[policy.filters.cyrillic]\nenabled = true\n"
    lists = {
        "whitelisted-ip": [Entry(ListName.WHITELIST_IP, "198.51.100.1")],
        "blacklisted-sender": [Entry(ListName.BLACKLIST_SENDER, "example.com")],
        "whitelisted-sender": [Entry(ListName.WHITELIST_SENDER, "eve@example.net")],
    }.get(row, [])
    cache = Memory()
    change = {"sender": "eve@example.net", **change} if row == "same-sender-recipient" else change
    assert row_of(examine(config=config, lists=lists, cache=cache)) == ""
    assert row_of(examine(config=config, lists=lists, cache=cache, **change)) == row
    assert row_of(examine(config=config, lists=lists, cache=cache)) == ""


def test_errors_and_abstentions_are_never_cached(place: Place) -> None:
    for failure in (ValueError(), Abstain("not now")):
        cache, probe = Memory(), CachedProbe(failure)
        alone(place, probe)
        for _ in range(2):
            examine(cache=cache)
        assert cache.known == {}
        assert len(probe.asked) == 2


@pytest.mark.parametrize("garbage", [b"", b"\xc1", b"garbage", b"\x90x", b"\x91\x01", b"\x91\x92\x01\x02", b"\x80"])
def test_garbage_in_the_cache_is_ignored(place: Place, garbage: bytes) -> None:
    cache, probe = Memory(), CachedProbe(Hit("BAYES", "", amount=8.0))
    alone(place, probe)
    examine(cache=cache)
    (key,) = cache.known
    cache.known[key] = garbage
    assert only(examine(cache=cache)).score == 8000
    assert len(probe.asked) == 2
    assert cache.known[key] != garbage


def test_a_changed_option_or_model_acts_at_once(place: Place) -> None:
    cache, text = Memory(), TEXT + "Привет, a letter\n"
    switched = "[policy.filters.cyrillic]\nenabled = true\nratio = {}\n"
    assert row_of(examine(text, config=switched.format(0.1), cache=cache)) == "cyrillic"
    assert row_of(examine(text, config=switched.format(0.9), cache=cache)) == ""
    assert row_of(examine(text, cache=cache)) == ""

    probe = CachedProbe()
    place(bayes=probe)
    one, other = model(), model()
    one.version, other.version = "1", "2"
    for used in (one, one, other, other, None):
        examine(model=used, cache=cache)
    assert len(probe.asked) == 3


def test_a_changed_level_mode_or_list_acts_at_once(place: Place) -> None:
    cache = Memory()
    place(bayes=CachedProbe(Hit("BAYES", "", amount=8.0)))
    assert only(examine(cache=cache)).spam
    assert not only(examine(cache=cache, config="[policy]\nlevel = 9\n")).spam
    assert only(examine(cache=cache, config='[policy]\nmode = "tag"\n')).action == "tag"
    assert not only(examine(cache=cache, lists=[WL_SENDER])).spam


def test_a_new_version_of_a_filter_forgets_its_answers(place: Place) -> None:
    class Newer(CachedProbe):
        version = 2

    cache, older, newer = Memory(), CachedProbe(), Newer()
    place(bayes=older)
    examine(cache=cache)
    place(bayes=newer)
    examine(cache=cache)
    assert (len(older.asked), len(newer.asked)) == (1, 1)


@pytest.mark.parametrize(
    ("mode", "action"), [("quarantine", "hold"), ("tag", "tag"), ("junk", "junk"), ("observe", "observe")]
)
def test_some_tests_of_a_row_of_malware_are_spam(place: Place, mode: str, action: str) -> None:
    """A new program that is everywhere is spam: the mode decides (SPEC, row 26). Whitelists do not reach it."""
    place(attachment_hashes=Probe(Hit("NEW_EXECUTABLE_EVERYWHERE", "new", decides=True)))
    verdict = only(examine(config=f'[policy]\nmode = "{mode}"\n', lists=[WL_IP]))
    assert (verdict.row and verdict.row.number, verdict.action, verdict.malware) == ("26", action, False)
    place(attachment_hashes=Probe(Hit("KNOWN_MALWARE", "listed", decides=True)))
    verdict = only(examine(config=f'[policy]\nmode = "{mode}"\n', lists=[WL_IP]))
    assert (verdict.action, verdict.malware) == ("observe" if mode == "observe" else "hold", True)
