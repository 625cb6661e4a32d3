"""`tamis sender`: what was learned of senders, shown and changed."""

from pathlib import Path

import pytest

from tests.cli.test_complaints import Site

pytestmark = pytest.mark.slow

ANN = "ann@example.net"


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Site:
    return Site(tmp_path, capsys)


def test_learn_show_and_forget(site: Site) -> None:
    assert site.read("sender show") == []
    said = site.good(f"sender learn release {ANN} --domain example.org --by bob")
    assert said == f"learned: {ANN} has 2.00 points with example.org\n"
    site.good(f"sender learn complaint {ANN} --domain other.example")
    (found,) = site.read(f"sender show {ANN} --domain example.org")
    assert found.pop("changed_at").endswith("+00:00")
    assert found == {
        "domain": "example.org",
        "sender": ANN,
        "points": 2.0,
        "validations": 0,
        "releases": 1,
        "sent": 0,
        "complaints": 0,
        "changed_by": "bob",
    }
    table = site.good("sender show --limit 1").splitlines()
    assert len(table) == 2
    assert table[1].split()[:4] == ["example.org", ANN, "2.00", "1"]
    assert site.good(f"sender forget {ANN} --domain example.org") == f"forgotten: {ANN} with example.org\n"
    assert [one["domain"] for one in site.read("sender show")] == ["other.example"]


def test_bad_input(site: Site) -> None:
    assert "an address of example.org itself" in site.bad("sender learn release x@example.org --domain example.org")
    assert "is not a mail address" in site.bad("sender learn release example.net --domain example.org")
    assert site.bad(f"sender forget {ANN} --domain example.org") == f"nothing was learned of {ANN} with example.org"
    assert "--limit 0" in site.bad("sender show --limit 0")
    assert "is not a domain name" in site.bad("sender show --domain a@b")
