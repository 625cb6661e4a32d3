"""Row 28, with a real spamd: its own threshold, ours, the weight, the size, and when nobody answers."""

from collections.abc import Iterator

import pytest

from tamis.config import parse
from tamis.contract import Abstain, Context
from tamis.filters.spamassassin import SpamAssassin
from tamis.mail import Mail
from tamis.scanners.scanners import Scanners, Scans
from tamis.site import Site
from tamis.testing import hits, mail
from tests.scanner_servers import Spamd

Options = SpamAssassin.Options
RULES = "clear_headers\nadd_header all Tests _TESTSSCORES(,)_\nbody T_CHEAP /cheapest/\nscore T_CHEAP 40\n"


def site(endpoint: str, more: str = "") -> Site:
    return Site(scanners=Scanners(parse(f'[spamd]\nendpoints = ["{endpoint}"]\n{more}', "x").settings))


@pytest.fixture(scope="module")
def assassin() -> Iterator[Spamd]:
    if not Spamd.installed():
        pytest.skip("spamd is not installed")
    with Spamd(RULES) as server:
        yield server


CHEAP, HAM = mail("From: a@sender.example\n\nour cheapest offer\n"), mail("From: a@sender.example\n\nhello\n")


def asked(mail: Mail, where: Site, **options: float) -> tuple[bool, float | None, str]:
    """Whether the hit decides, its amount and its ground."""
    context = Context(options=Options(**options), recipients=mail.recipients, site=where)
    context.scans = Scans(where.scanners, mail)
    (hit,) = SpamAssassin().check(mail, context)
    return hit.decides, hit.amount, hit.because


@pytest.mark.servers
def test_its_verdict_ours_and_the_weight(assassin: Spamd) -> None:
    where = site(assassin.endpoint)
    decides, amount, because = asked(CHEAP, where)
    assert (decides, amount) == (True, 0.0)
    assert "T_CHEAP=40" in because
    assert because.startswith("SpamAssassin says 5")
    assert not asked(CHEAP, where, threshold=200)[0]
    assert asked(HAM, where, threshold=0.1)[0]
    amount = asked(CHEAP, where, weight=0.5)[1]
    assert amount is not None
    assert 20 <= amount < 40


@pytest.mark.servers
def test_a_hit_whatever_it_says(assassin: Spamd) -> None:
    assert hits(SpamAssassin(), HAM, Options(threshold=100), site=site(assassin.endpoint)) == ["SPAMASSASSIN"]


def test_abstains() -> None:
    with pytest.raises(Abstain, match=r"spamd does not answer: inet:1@127\.0\.0\.1: no connection"):
        hits(SpamAssassin(), HAM, site=site("inet:1@127.0.0.1"))
    with pytest.raises(Abstain, match="larger than") as abstention:
        hits(SpamAssassin(), HAM, site=site("inet:1@127.0.0.1", "max_bytes = 10\n"))
    assert abstention.value.test == "SIZE_CAPPED"


def test_nothing_is_asked_where_nothing_is_configured() -> None:
    assert hits(SpamAssassin(), CHEAP) == []
    assert SpamAssassin().site_cache_key(Site(), CHEAP) is None


def test_the_key_has_all_that_the_answer_depends_on() -> None:
    where = site("inet:1@127.0.0.1")
    text = "From: a@sender.example\n\nhello\n"
    mails = [
        mail(text),
        mail(text.replace("a@", "b@")),
        mail(text, peer="192.0.2.8"),
        mail(text, rdns="x.example"),
        mail(text, helo="x.example"),
        mail(text, sender="a@x.example"),
        mail(text, recipients=["b@example.org"]),
    ]
    keys = {SpamAssassin().site_cache_key(where, one) for one in mails}
    assert len(keys) == len(mails)
    assert SpamAssassin().site_cache_key(where, mail(text)) in keys
    several = [
        mail(text, recipients=names) for names in (["b@x.example", "c@x.example"], ["d@x.example", "e@x.example"])
    ]
    assert len({SpamAssassin().site_cache_key(where, one) for one in several}) == 1


def test_it_is_evidence_with_a_weight_alone() -> None:
    assert not SpamAssassin().scores_with(Options())
    assert SpamAssassin().scores_with(Options(weight=0.1))
