"""The documented order, held against the specification's own list (SPEC, section 1)."""

import ast
import re
from pathlib import Path

import pytest

from tamis.filters import order
from tamis.filters.order import ORDER, Judgement

DOCUMENTED = """
1 antivirus-1, 2 banned-ip, 3 greylisting, 4 whitelisted-ip, 5 spf, 6 whitelisted-sender, 7 auto-whitelisted-sender,
7b sender-complaint, 8 blacklisted-ip, 9 blacklisted-sender, 10 reverse-dns, 11 missing-sender,
12 same-sender-recipient, 13 honeypot, 14 ip-complaint, 15 invalid-mx, 16 maps-rbl, 17 empty-mail, 18 exceptions,
19 keywords, 20 regex-logic, 21 ocr, 22 mail-checksum, 23 surbl, 24 antivirus-2, 25 hypercube, 26 attachment-hashes,
27 bayes, 28 spamassassin, 29 cyrillic, 30 sinograms, 31 helo, 32 score-tags, 33 malformed-headers, 34 mode,
35 delivery
"""
FOLDER = Path(order.__file__).parent


def test_every_row_stands_in_its_place() -> None:
    assert [f"{row.number} {row.name}" for row in ORDER] == re.split(r",\s+", DOCUMENTED.strip())


def test_what_lets_through_and_what_is_off() -> None:
    assert [row.number for row in ORDER if row.judgement is Judgement.LETS_THROUGH] == ["4", "6", "7"]
    assert [row.number for row in ORDER if row.judgement is Judgement.MALWARE] == ["1", "24", "25", "26"]
    assert [row.number for row in ORDER if not row.enabled_by_default] == ["3", "29", "30"]
    assert [row.number for row in ORDER if row.default is order.Switch.ALWAYS] == ["7b", "34", "35"]


def test_a_filter_has_the_name_of_its_row() -> None:
    for row in ORDER:
        assert row.filter is None or row.filter.name == row.name


def test_tests_have_names_of_their_own() -> None:
    names = [name for row in ORDER if row.filter for name in row.filter.tests]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]{2,40}", name) for name in names)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_a_filter_imports_no_other_filter_and_no_machinery(path: Path) -> None:
    if path.stem in ("__init__", "order"):
        return
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
        elif isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
    forbidden = ("tamis.filters", "tamis.milter", "tamis.engine", "tamis.policy", "redis", "sqlalchemy", "milter")
    assert not [name for name in imported if name.startswith(forbidden)]
    assert len(path.read_text().splitlines()) <= 200
