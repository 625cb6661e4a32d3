"""What is kept of a decision, and what of it the administrator of a domain may see."""

import msgspec
import pytest

from tamis import limits
from tamis.filters.order import BY_NAME
from tamis.history.decided import decided, decode, encode, refused, undecided
from tamis.record import Refusal
from tests.core.test_decision_log import record, verdict
from tests.history.deciding import made, share


def test_a_record_as_it_is_kept() -> None:
    kept = decided(record(verdict()), "250")
    assert (kept.id, kept.queue_id, kept.header_id) == ("0123456789abcdef", "4F1", "<1@example.net>")
    assert (kept.answer, kept.mail_class, kept.sender, kept.peer) == ("250", "inbound", "ann@example.net", "192.0.2.7")
    (only,) = kept.shares
    assert (only.verdict, only.action, only.row, only.name) == ("spam", "tag", "8", "blacklisted-ip")
    assert only.tests == (("BAYES", 59), ("A", 50))
    assert [(row.name, row.milliseconds, row.cached, row.abstained) for row in kept.rows] == [
        ("whitelisted-ip", 0.12, False, ""),
        ("spf", 1.0, False, "no answer"),
        ("bayes", 0.0, True, ""),
    ]
    assert decode(encode(kept)) == kept


def test_recipients_with_the_same_verdict_share_it() -> None:
    verdicts = [verdict("a@example.org"), verdict("b@example.org"), verdict("c@example.org", spam=False)]
    kept = decided(record(*verdicts), "250")
    assert [(one.recipients, one.verdict) for one in kept.shares] == [
        (("a@example.org", "b@example.org"), "spam"),
        (("c@example.org",), "ham"),
    ]
    assert kept.verdict == "spam"


def test_malware_outgoing_refused_and_undecided() -> None:
    assert decided(record(verdict(malware=True)), "250").verdict == "malware"
    outgoing = record()
    assert decided(outgoing, "250").verdict == "outgoing"
    outgoing.refusal = verdict()
    assert decided(outgoing, "554").verdict == "malware"
    outgoing.refusal, outgoing.ask_again = None, "no scanner answers"
    assert (decided(outgoing, "451").verdict, decided(outgoing, "451").because) == ("later", "no scanner answers")
    later = refused(outgoing.mail, Refusal(BY_NAME["greylisting"], "GREYLISTED", "first time"), "450")
    assert (later.verdict, later.shares[0].row, later.shares[0].test) == ("later", "3", "GREYLISTED")
    lost = undecided({"id": "1" * 16, "recipients": ["b@example.org"], "sender": "a\udcff"}, "spool full\n", "451")
    assert (lost.verdict, lost.recipients, lost.sender) == ("unknown", ("b@example.org",), "a\\udcff")
    assert lost.because == "spool full\\x0a"


def test_wire_data_is_capped_and_harmless() -> None:
    one = record(verdict(because="x" * 5000 + "\x1b[2J"))
    one.mail.sender = "\udcff\x07\r\n" + "y" * 5000
    kept = decode(encode(decided(one, "250")))
    assert len(kept.shares[0].because) == limits.HISTORY_CHARS
    assert kept.sender.startswith("\\udcff\\x07\\x0d\\x0a")


def test_a_huge_decision_loses_details_and_says_so() -> None:
    shares = tuple(share(f"{n}@example.org", tests=tuple((f"TEST_{k}", k) for k in range(500))) for n in range(500))
    kept = decode(encode(made(shares=shares)))
    assert kept.cut
    assert len(kept.shares) == limits.HISTORY_CUT_SHARES
    assert len(encode(made(shares=shares))) < limits.HISTORY_RECORD_BYTES


def test_the_administrator_of_a_domain_sees_nothing_of_others() -> None:
    recipients = ("bob@example.org", "eve@example.com")
    one = made(recipients=recipients, shares=(share(*recipients),), traps=("eve@example.com",))
    seen = one.for_domains(["example.org"])
    assert seen.recipients == seen.shares[0].recipients == ("bob@example.org",)
    assert not seen.traps
    assert "example.com" not in encode(seen).decode()


def test_what_is_not_ours_is_not_read() -> None:
    for line in (b"", b"{}", b"[1]", encode(made())[:-5]):
        with pytest.raises(msgspec.DecodeError):
            decode(line)
