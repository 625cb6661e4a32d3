"""The documented order as data, and what every filter owes to the contract."""

import ast
import re
from pathlib import Path

import pytest

from tamis.authentication import evidence
from tamis.contract import Filter, Stage
from tamis.filters.order import BY_NAME, ORDER, POSITION, Judgement, Switch

FOLDER = Path(__file__).parents[2] / "filters"
FILES = sorted(path for path in FOLDER.glob("*.py") if path.name not in ("__init__.py", "order.py"))
FILTERS: dict[str, type[Filter]] = {row.name: row.filter for row in ORDER if row.filter}

DOCUMENTED = [
    ("1", "antivirus-1"),
    ("2", "banned-ip"),
    ("3", "greylisting"),
    ("4", "whitelisted-ip"),
    ("5", "spf"),
    ("6", "whitelisted-sender"),
    ("7", "auto-whitelisted-sender"),
    ("7b", "sender-complaint"),
    ("8", "blacklisted-ip"),
    ("9", "blacklisted-sender"),
    ("10", "reverse-dns"),
    ("11", "missing-sender"),
    ("12", "same-sender-recipient"),
    ("13", "honeypot"),
    ("14", "ip-complaint"),
    ("15", "invalid-mx"),
    ("16", "maps-rbl"),
    ("17", "empty-mail"),
    ("18", "exceptions"),
    ("19", "keywords"),
    ("20", "regex-logic"),
    ("21", "ocr"),
    ("22", "mail-checksum"),
    ("23", "surbl"),
    ("24", "antivirus-2"),
    ("25", "hypercube"),
    ("26", "attachment-hashes"),
    ("27", "bayes"),
    ("28", "spamassassin"),
    ("29", "cyrillic"),
    ("30", "sinograms"),
    ("31", "helo"),
    ("32", "score-tags"),
    ("33", "malformed-headers"),
    ("34", "mode"),
    ("35", "delivery"),
]
"""Every row of the specification (SPEC, section 1), in its order."""

FIRST = frozenset(
    ["2", "4", "6", "8", "9", "10", "11", "12", "13", "15", "16", "17", "22", "23", "26", "27", "29", "30", "31", "33"]
)
"""The rows with a filter so far."""


def test_every_row_stands_in_the_documented_order() -> None:
    assert [(row.number, row.name) for row in ORDER] == DOCUMENTED
    assert list(BY_NAME) == [name for _, name in DOCUMENTED]
    assert list(POSITION.values()) == list(range(len(DOCUMENTED)))


def test_what_is_built() -> None:
    assert {row.number for row in ORDER if row.filter} >= FIRST
    assert {row.number for row in ORDER if row.carried_out_by} == {"32", "34", "35"}


def test_what_a_hit_leads_to() -> None:
    def rows(judgement: Judgement) -> list[str]:
        return [row.number for row in ORDER if row.judgement is judgement]

    assert rows(Judgement.LETS_THROUGH) == ["4", "6", "7"]
    assert rows(Judgement.MALWARE) == ["1", "24", "25", "26"]
    assert rows(Judgement.REFUSED_FOR_NOW) == ["2", "3"]
    assert rows(Judgement.EXCEPTION) == ["18"]
    assert rows(Judgement.NONE) == ["32", "33", "34", "35"]
    assert [row.number for row in ORDER if row.by_score] == ["27"]
    assert [row.number for row in ORDER if row.always_held] == ["1", "13", "24", "25", "26"]


def test_what_is_off_and_what_cannot_be_switched() -> None:
    assert [row.number for row in ORDER if row.default is Switch.OFF] == ["3", "29", "30"]
    assert [row.number for row in ORDER if row.default is Switch.ALWAYS] == ["7b", "34", "35"]


def test_names_are_unique_and_fit_for_a_file() -> None:
    names = [row.name for row in ORDER]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*", name) for name in names)
    assert all(row.question.endswith(("?", ".")) for row in ORDER)


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_is_its_row(name: str) -> None:
    row, filter_class = BY_NAME[name], FILTERS[name]
    assert filter_class.name == name
    assert filter_class.stage is row.stage
    assert isinstance(filter_class.stage, Stage)
    assert filter_class.Options() == filter_class.Options()
    hash(filter_class.Options())


def test_the_names_of_tests_are_unique() -> None:
    names = [name for filter_class in FILTERS.values() for name in filter_class.tests] + [*evidence.TESTS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[A-Z0-9_]+", name) for name in names)
    assert all(meaning for filter_class in FILTERS.values() for meaning in filter_class.tests.values())
    labels = {row.name.upper().replace("-", "_") for row in ORDER}
    abstained = {f"{label}_ABSTAINED" for label in labels} | {"SIZE_CAPPED"}
    same = {"BAYES", "CYRILLIC", "SINOGRAMS", "EMPTY_MAIL", "MAIL_CHECKSUM", "BANNED_IP", "SPAMASSASSIN"}
    assert not set(names) & (labels - same | abstained)


def test_every_filter_has_its_own_file() -> None:
    assert len(FILES) == len(FILTERS)
    assert {path.stem.replace("_", "-") for path in FILES} == set(FILTERS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_filter_imports_the_contract_and_little_else(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            assert node.module is not None
            imported.add(node.module)
            imported |= {f"{node.module}.{alias.name}" for alias in node.names}
    never = {"milter", "Milter", "redis", "sqlalchemy", "sklearn", "tamis.filters", "tamis.milter", "tamis.engine",
             "tamis.examination", "tamis.answers", "tamis.database", "tamis.policy", "tamis.config"}  # fmt: skip
    assert not {name for name in imported if any(name == bad or name.startswith(f"{bad}.") for bad in never)}
    assert "SPEC, section 1, row" in (ast.get_docstring(tree) or "")
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 200
