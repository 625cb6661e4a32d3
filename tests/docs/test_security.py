"""docs/security.md has every cap of tamis/limits.py with its value and a test that names it."""

from tests.docs import caps


def test_the_table_is_that_of_the_code() -> None:
    assert caps.page() == caps.PAGE.read_text("utf-8"), "run python -m tests.docs.caps"


def test_every_cap_says_what_it_is_of() -> None:
    # RSA_MOST_BITS stands below its counterpart.
    assert [name for name, said in caps.caps().items() if not said] == ["RSA_MOST_BITS"]


def test_no_cap_comes_without_a_test() -> None:
    assert [name for name in caps.caps() if not caps.tests_of(name)] == []
