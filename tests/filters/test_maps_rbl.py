"""Row 16: the vote of DNS lists on the peer and on the envelope sender's domain."""

import pytest

from tamis.contract import Abstain, Context, Hit
from tamis.dns.zone import ZoneDns, ZoneText
from tamis.dns_lists import DnsList, parse_codes
from tamis.filters.maps_rbl import MapsRbl
from tamis.mail import Mail
from tamis.site import Site
from tamis.testing import hits, mail, queries

A, B, C = (DnsList(name, f"{name}.example", "ip") for name in "abc")
D, E = (DnsList(name, f"{name}.example", "domain") for name in "de")
URL = DnsList("url", "url.example", "url")
ALL = Site(dns_lists=(A, D, B, URL, E, C))
PEER = "7.2.0.192"
HOPS = """\
Received: from mail.sender.example ([192.0.2.7]) by mx.example.org; Mon, 1 Jan 2024 10:00:00 +0000
Received: from inside.sender.example ([10.0.0.1]) by mail.sender.example; Mon, 1 Jan 2024 09:59:00 +0000
Received: from home ([198.51.100.9]) by inside.sender.example; Mon, 1 Jan 2024 09:58:00 +0000

"""


def listed(subject: str, *names: str) -> dict[str, list[str]]:
    return {f"{subject}.{name}.example": ["127.0.0.2"] for name in names}


def message(peer: str = "192.0.2.7", sender: str = "ann@mail.sender.example", text: str = "") -> Mail:
    return mail(text, peer=peer, sender=sender)


def asked(zone: ZoneText | None, options: MapsRbl.Options | None = None, text: str = "", site: Site = ALL) -> list[str]:
    return hits(MapsRbl(), message(text=text), options, dns=zone, site=site)


def test_clean() -> None:
    assert asked({}) == []


@pytest.mark.parametrize("names", ["ab", "bc", "abc"])
def test_half_of_the_lists_decide_on_the_peer(names: str) -> None:
    assert asked(listed(PEER, *names)) == ["RBL_PEER"]


def test_fewer_only_score() -> None:
    (hit,) = found(listed(PEER, "a"))
    assert (hit.name, hit.decides) == ("RBL_SOME", False)


def test_the_hit_names_the_lists_and_the_share() -> None:
    (hit,) = found(listed(PEER, "a", "c"))
    assert hit.because == "192.0.2.7 is on 2 of 3 lists that answered (67%): a, c"


def test_the_domain_of_the_sender_as_it_was_registered() -> None:
    assert asked(listed("sender.example", "d")) == ["RBL_DOMAIN"]
    assert asked(listed("mail.sender.example", "d", "e")) == []


def test_addresses_and_domains_vote_apart() -> None:
    """Of five lists one names the peer and one the domain: half of neither, though of the domain's lists half."""
    assert asked({**listed(PEER, "a"), **listed("sender.example", "e")}) == ["RBL_DOMAIN"]
    assert asked({**listed(PEER, "a", "b"), **listed("sender.example", "d")}) == ["RBL_PEER", "RBL_DOMAIN"]


def test_lists_of_urls_are_not_asked() -> None:
    assert asked(listed("sender.example", "url")) == asked(listed(PEER, "url")) == []


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["127.255.255.252"], ["192.0.2.80"]])
def test_what_is_no_answer_does_not_count(answer: list[str]) -> None:
    assert asked({**listed(PEER, "a"), f"{PEER}.b.example": answer}) == ["RBL_PEER"]
    with pytest.raises(Abstain, match="only 0 of 3"):
        asked({f"{PEER}.{name}.example": answer for name in "abc"})


def test_two_must_answer() -> None:
    zone = {**listed(PEER, "a"), f"{PEER}.b.example": "SERVFAIL", f"{PEER}.c.example": "TIMEOUT"}
    assert asked(zone) == ["RBL_SOME"]
    assert asked(zone, MapsRbl.Options(answers=1)) == ["RBL_PEER"]
    alone = Site(dns_lists=(A,))
    assert asked(listed(PEER, "a"), site=alone) == ["RBL_SOME"]


@pytest.mark.parametrize("failure", ["SERVFAIL", "REFUSED", "TIMEOUT"])
def test_a_failure_never_decides(failure: str) -> None:
    with pytest.raises(Abstain, match=r"only 0 of 3 lists answered about 192\.0\.2\.7"):
        asked({f"{PEER}.{name}.example": failure for name in "abc"})
    with pytest.raises(Abstain, match=r"only 1 of 2 lists answered about sender\.example"):
        asked({"sender.example.d.example": failure})
    with pytest.raises(Abstain, match="only 0"):
        asked(None)


def test_codes_and_share_are_options() -> None:
    picky = Site(dns_lists=(DnsList("a", "a.example", "ip", parse_codes(["127.0.0.4"])), B, C))
    assert asked(listed(PEER, "a", "b"), site=picky) == ["RBL_SOME"]
    assert asked(listed(PEER, "a", "b"), MapsRbl.Options(share=0.7)) == ["RBL_SOME"]
    assert asked(listed(PEER, "a"), MapsRbl.Options(share=0.3)) == ["RBL_PEER"]


def test_hops_by_option() -> None:
    zone = listed("9.100.51.198", "a", "b")
    assert asked(zone, text=HOPS) == []
    assert asked(zone, MapsRbl.Options(received_hops=1), HOPS) == ["RBL_HOP"]
    declared = queries(MapsRbl(), message(text=HOPS), MapsRbl.Options(received_hops=5), ALL)
    assert sum("9.100.51.198" in question for question in declared) == 3
    assert not any(question.startswith("1.0.0.10.") for question in declared)


def test_it_abstains_where_no_list_has_a_vote() -> None:
    with pytest.raises(Abstain, match="no list has a vote"):
        asked({}, site=Site(mute_lists=ALL.dns_lists))


def test_without_lists_there_is_nothing_to_ask() -> None:
    assert asked(None, site=Site()) == []
    assert queries(MapsRbl(), message()) == []


def test_private_peers_and_null_senders_are_not_asked_about() -> None:
    assert queries(MapsRbl(), message("10.0.0.1", ""), site=ALL) == []
    assert queries(MapsRbl(), message("::1", "a@[192.0.2.7]"), site=ALL) == []
    assert hits(MapsRbl(), message("10.0.0.1", ""), dns=None, site=ALL) == []


def test_it_is_asked_ahead() -> None:
    assert queries(MapsRbl(), message(), site=ALL) == [
        *(f"{PEER}.{name}.example A" for name in "abc"),
        *(f"sender.example.{name}.example A" for name in "de"),
    ]


def found(zone: ZoneText) -> list[Hit]:
    return list(MapsRbl().check(message(), Context(options=MapsRbl.Options(), dns=ZoneDns(zone), site=ALL)))
