"""Every package that Tamis needs has a licence that goes with its own, and the page says which."""

import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts import licences
from scripts.dependencies import closure

PROJECT = tomllib.loads((licences.PAGE.parents[1] / "pyproject.toml").read_text("utf-8"))["project"]


def test_all_that_is_installed_goes_with_ours() -> None:
    licences.page()  # Raises for the first that does not.


def test_the_page_has_what_is_declared() -> None:
    # Not all that is installed: what others need changes from day to day.
    page = licences.PAGE.read_text("utf-8")
    declared = [canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]]
    assert [name for name in declared if f"| {name} |" not in page] == [], "run python -m scripts.licences"


@pytest.mark.parametrize(
    "expression", ["SSPL-1.0", "GPL-2.0-only", "MIT AND CC-BY-NC-4.0", "LicenseRef-Ours", "", "(MIT AND SSPL-1.0)"]
)
def test_what_does_not_go_with_ours_is_refused(expression: str) -> None:
    with pytest.raises(licences.UnknownLicence):
        licences.judge("x", expression)


@pytest.mark.parametrize("expression", ["MIT", "SSPL-1.0 OR MIT", "BSD-3-Clause AND Zlib", "(Apache-2.0 OR MIT)"])
def test_what_does_is_taken(expression: str) -> None:
    licences.judge("x", expression)


def test_closure_holds_what_is_declared_and_what_that_needs() -> None:
    found = closure()
    assert {"pymilter", "psycopg", "psycopg-binary", "hiredis", "scipy", "mako"} <= set(found)
    assert not {"pytest", "mypy", "atheris"} & set(found)
