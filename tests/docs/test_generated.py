"""The pages made from the code say what the code says now; `python -m tests.docs.regenerate` rewrites them."""

from pathlib import Path

import pytest

from tests.docs.regenerate import pages

PAGES = pages()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_is_as_the_code_makes_it(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == PAGES[path], "run python -m tests.docs.regenerate"
