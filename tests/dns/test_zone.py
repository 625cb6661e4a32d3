"""The zone of a filter's test answers as a resolver does."""

import pytest

from tamis.dns import Answer, Question, Status
from tamis.dns.question import RecordType
from tamis.dns.zone import ZoneDns

ZONE = {
    "7.2.0.192.zen.example": ["127.0.0.2", "127.0.0.4"],
    "example.org MX": ["10 MX.example.org", "20 mx2.example.org."],
    "example.org TXT": ["v=spf1 -all", "x" * 600, '"quoted " "and \\"joined"'],
    "www.example.org CNAME": ["example.org"],
    "loop.example CNAME": ["loop.example"],
    "1.2.0.192.in-addr.arpa PTR": ["mail.example.org"],
    "broken.example": "SERVFAIL",
    "silent.example MX": "TIMEOUT",
    "none.example": "NXDOMAIN",
}


def ask(name: str, kind: RecordType = "A") -> Answer:
    (answer,) = ZoneDns(ZONE).ask([Question(name, kind)])
    return answer


def test_records() -> None:
    assert ask("7.2.0.192.ZEN.example.").records == ("127.0.0.2", "127.0.0.4")
    assert ask("example.org", "MX").records == ((10, "mx.example.org"), (20, "mx2.example.org"))
    assert ask("example.org", "TXT").records == (b"v=spf1 -all", b"x" * 600, b'quoted and "joined')
    assert ask("www.example.org", "MX").records == ask("example.org", "MX").records
    assert ask("1.2.0.192.in-addr.arpa", "PTR").records == ("mail.example.org",)


@pytest.mark.parametrize(
    ("name", "kind", "status"),
    [
        ("nothing.example", "A", Status.NXDOMAIN),
        ("none.example", "A", Status.NXDOMAIN),
        ("example.org", "A", Status.NODATA),
        ("www.example.org", "A", Status.NODATA),
        ("org", "A", Status.NODATA),
        ("zen.example", "A", Status.NODATA),
        ("broken.example", "A", Status.SERVFAIL),
        ("broken.example", "MX", Status.NODATA),
        ("silent.example", "MX", Status.TIMEOUT),
        ("loop.example", "A", Status.SERVFAIL),
        ("a..b", "A", Status.INVALID),
    ],
)
def test_what_is_not_there(name: str, kind: RecordType, status: Status) -> None:
    assert ask(name, kind).status is status


@pytest.mark.parametrize("zone", [{"example.org": "BROKEN"}, {"example.org MX": ["mx"]}, {"example.org WHAT": ["x"]}])
def test_a_zone_that_is_not_well_written(zone: dict[str, object]) -> None:
    with pytest.raises(Exception, match=r".+"):
        ZoneDns(zone)  # type: ignore[arg-type]
