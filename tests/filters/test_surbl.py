"""Row 23: the vote of URL lists on the domains in a message."""

from pathlib import Path

import pytest

from tamis import limits
from tamis.contract import Abstain, Context, Hit
from tamis.dns.zone import ZoneDns, ZoneText
from tamis.dns_lists import DnsList
from tamis.filters.surbl import SHORTENERS, Surbl
from tamis.images.answers import Look, Reply, Task
from tamis.images.client import NoReaders
from tamis.images.pictures import Pictures
from tamis.site import Site
from tamis.testing import hits, mail, queries
from tests.images.drawn import drawn, letter, saved

A, B, C = (DnsList(name, f"{name}.example", "url", addresses=name == "a") for name in "abc")
IP = DnsList("ip", "ip.example", "ip")
ALL = Site(frozenset({".ours.org"}), (A, IP, B, C))
SPAM = "From: ann@sender.org\nContent-Type: text/html\n\n<a href='http://www.evil.org/x'>buy</a>\n"


def listed(subject: str, *names: str) -> dict[str, list[str]]:
    return {f"{subject}.{name}.example": ["127.0.0.2"] for name in names}


def asked(zone: ZoneText | None, text: str = SPAM, options: Surbl.Options | None = None, site: Site = ALL) -> list[str]:
    return hits(Surbl(), mail(text, recipients=["bob@mail.tenant.org"]), options, dns=zone, site=site)


def test_clean() -> None:
    assert asked({}) == []
    assert asked({}, "From: ann@sender.org\n\nhello\n") == []


@pytest.mark.parametrize("names", ["ab", "bc", "abc"])
def test_half_of_the_lists_decide(names: str) -> None:
    assert asked(listed("evil.org", *names)) == ["SURBL_LISTED"]


def test_fewer_only_score() -> None:
    (hit,) = found(listed("evil.org", "a"))
    assert (hit.name, hit.decides) == ("SURBL_SOME", False)


def test_the_hit_names_domain_lists_and_share() -> None:
    (hit,) = found(listed("evil.org", "b", "c"))
    assert (hit.decides, hit.because) == (True, "evil.org is on 2 of 3 lists that answered (67%): b, c")


def test_a_domain_of_the_header_counts() -> None:
    assert asked(listed("sender.org", "a", "b")) == ["SURBL_LISTED"]


def test_lists_do_not_add_up_over_domains() -> None:
    assert asked({**listed("evil.org", "a"), **listed("sender.org", "b")}) == ["SURBL_SOME"]


def test_two_must_answer() -> None:
    zone = {**listed("evil.org", "a"), "evil.org.b.example": "SERVFAIL", "evil.org.c.example": ["127.255.255.254"]}
    assert asked(zone) == ["SURBL_SOME"]
    assert asked(zone, options=Surbl.Options(answers=1)) == ["SURBL_LISTED"]


@pytest.mark.parametrize("failure", ["SERVFAIL", "REFUSED", "TIMEOUT"])
def test_a_failure_never_decides(failure: str) -> None:
    with pytest.raises(Abstain, match=r"only 0 of 3 lists answered about evil\.org"):
        asked({f"evil.org.{name}.example": failure for name in "abc"})
    with pytest.raises(Abstain, match="only 0"):
        asked(None)


def test_own_domains_and_shorteners_are_not_asked_about() -> None:
    text = "\n\nhttp://www.tenant.org/ http://x.ours.org/ http://bit.ly/x http://other.org/ http://10.0.0.1/"
    asks = queries(Surbl(), mail(text, recipients=["b@tenant.org"]), site=ALL)
    assert {question.partition(".")[0] for question in asks} == {"other"}


def test_an_address_is_asked_of_lists_that_have_addresses() -> None:
    asks = queries(Surbl(), mail("\n\nhttp://192.0.2.1/ http://evil.org/"), site=ALL)
    assert [question for question in asks if question.startswith("1.2.0.192")] == ["1.2.0.192.a.example A"]
    assert len([question for question in asks if question.startswith("evil.org")]) == 3


def test_many_domains_are_cut_in_the_middle_and_noted() -> None:
    text = "\n\n" + " ".join(f"http://host{number}.org/" for number in range(60))
    asks = queries(Surbl(), mail(text), site=ALL)
    assert len(asks) == 3 * limits.LINK_SUBJECTS
    assert asks[0].startswith("host0.org")
    assert asks[-1].startswith("host59.org")
    assert asked({}, text) == ["SURBL_CAPPED"]
    assert asked(listed("host59.org", "a", "b"), text) == ["SURBL_LISTED", "SURBL_CAPPED"]


def test_many_lists_get_fewer_domains() -> None:
    site = Site(dns_lists=tuple(DnsList(f"l{number}", f"l{number}.example", "url") for number in range(20)))
    text = "\n\n" + " ".join(f"http://host{number}.org/" for number in range(60))
    assert len(queries(Surbl(), mail(text), site=site)) <= limits.LINK_QUESTIONS


def test_it_abstains_where_no_list_has_a_vote() -> None:
    with pytest.raises(Abstain, match="no list has a vote"):
        asked({}, site=Site(mute_lists=ALL.dns_lists))


def test_without_lists_there_is_nothing_to_ask() -> None:
    assert asked(None, site=Site()) == asked(None, site=Site(dns_lists=(IP,))) == []
    assert queries(Surbl(), mail(SPAM)) == []


def test_it_abstains_where_a_cap_kept_some_from_view() -> None:
    with pytest.raises(Abstain, match="a cap"):
        asked({}, SPAM + "x" * limits.MESSAGE_BYTES)


@pytest.mark.corpora
def test_our_shorteners_are_known_as_such(corpora: Path) -> None:
    known = set((corpora / "authdata/sublime-static-files/url_shorteners.txt").read_text("utf-8").split())
    assert len(SHORTENERS & known) >= 0.5 * len(SHORTENERS)


def found(zone: ZoneText) -> list[Hit]:
    return list(Surbl().check(mail(SPAM), Context(options=Surbl.Options(), dns=ZoneDns(zone), site=ALL)))


def test_domains_of_qr_codes_come_first() -> None:
    """They are asked about when images have been looked at, which no declaration can know."""
    message = mail(letter(saved(drawn())), recipients=["bob@mail.tenant.org"])
    zone = listed("prize.example", "a", "b")
    pictures = Pictures(message.message, Showing("https://win.prize.example/x"))
    assert hits(Surbl(), message, dns=zone, site=ALL, pictures=pictures) == ["SURBL_LISTED"]
    assert hits(Surbl(), message, dns=zone, site=ALL) == []


class Showing(NoReaders):
    """Readers that find a QR code in every image."""

    def __init__(self, code: str) -> None:
        self._look = Look(100, 100, 1, bytes(16), b"", (code,))

    def ask(self, task: Task, data: bytes, deadline: float) -> Reply:
        return Reply(look=self._look)
