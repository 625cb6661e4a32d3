"""The openspf.org suites of RFC 7208 and RFC 4408 pass, from a zone in memory and from a real name server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import pytest

from tamis.dns.lookups import Dns, Lookups
from tamis.dns.resolver import Resolver
from tamis.dns.zone import ZoneDns, ZoneText
from tamis.mail import parse_ip
from tamis.spf import SpfResult, check_spf
from tests.dns_server import DnsServer
from tests.spf.suite import Case, read_suite

pytestmark = pytest.mark.corpora

SECONDS = 0.2
"""How long the resolver waits for what the suites call a timeout."""


@contextmanager
def zone_in_memory(zone: ZoneText) -> Iterator[Callable[[], Dns]]:
    yield lambda: ZoneDns(zone)


@contextmanager
def name_server(zone: ZoneText) -> Iterator[Callable[[], Dns]]:
    """Each case has a budget of its own, and shares what the resolver remembers with the others of its zone."""
    with DnsServer(zone) as server:
        resolver = Resolver([server.address], timeout=SECONDS, attempts=1)
        yield lambda: Lookups(resolver)
        resolver.close()


@pytest.mark.parametrize("served_by", [zone_in_memory, name_server], ids=lambda how: how.__name__)
@pytest.mark.parametrize("suite", ["rfc7208", "rfc4408"])
def test_every_case_passes(
    suite: str,
    served_by: Callable[[ZoneText], "contextmanager[Callable[[], Dns]]"],
    corpora: Path,
    record_property: Callable[[str, object], None],
) -> None:
    cases = list(read_suite(corpora / f"authdata/pyspf/test/{suite}-tests.yml"))
    wrong = []
    for _, scenario in groupby(cases, lambda case: id(case.zone)):
        same = list(scenario)
        with served_by(same[0].zone) as new_dns:
            wrong += [f"{case.name}: {problem}" for case in same if (problem := problem_of(case, new_dns()))]
    how = served_by.__name__.replace("_", " ")
    record_property("counted", f"SPF, {suite} suite, {how}: {len(cases) - len(wrong)} of {len(cases)} cases pass")
    assert len(cases) > 150
    assert wrong == []


def problem_of(case: Case, dns: Dns) -> str:
    """Return what is not as the suite has it, empty where all is."""
    peer = parse_ip(case.peer)
    assert peer is not None
    spf = check_spf(dns, peer, case.mail_from, case.helo)
    if spf.result not in case.results:
        return f"{spf} in place of {case.results}"
    if case.explanation and spf.result is SpfResult.FAIL and (spf.explanation or "DEFAULT") != case.explanation:
        return f"{spf.explanation!r} in place of {case.explanation!r}"
    return ""
