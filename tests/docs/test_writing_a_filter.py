"""The tutorial quotes real files as they are, and its one-row change to the order works."""

import dataclasses
import doctest
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tamis import testing
from tamis.contract import Context, Filter, Hit, Stage
from tests.docs.test_example_filter import WITH_FILE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "writing-a-filter.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.S | re.M)


def test_quotes_the_filter_and_its_test() -> None:
    for name in ("example_filter.py", "test_example_filter.py"):
        assert (ROOT / "tests" / "docs" / name).read_text(encoding="utf-8") in BLOCKS


@pytest.mark.slow
def test_a_file_and_a_row_are_all_that_is_needed(tmp_path: Path) -> None:
    """A copy of the code gets the filter, the import and the row of the page; then `tamis scan` is asked."""
    shutil.copytree(ROOT / "tamis", tmp_path / "tamis", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "tests" / "docs" / "example_filter.py", tmp_path / "tamis" / "filters" / "unwanted_files.py")
    (block,) = [block for block in BLOCKS if block.startswith("from tamis.filters.unwanted_files")]
    import_line, row = block.strip().split("\n\n")
    order = tmp_path / "tamis" / "filters" / "order.py"
    text, count = re.subn(r"^(    Row\(\"17\",.*)$", rf"\1\n    {row}", order.read_text(encoding="utf-8"), flags=re.M)
    assert count == 1
    order.write_text(text.replace("\nclass ", f"\n{import_line}\n\nclass ", 1), encoding="utf-8")
    (tmp_path / "tamis.toml").write_text('[domain."example.com".filters.unwanted-files]\nendings = [".exe"]\n')
    (tmp_path / "mail.eml").write_text(WITH_FILE)

    scan = "-m tamis.cli scan --config tamis.toml --json --rcpt a@example.org --rcpt b@example.com mail.eml"
    done = subprocess.run([sys.executable, *scan.split()], cwd=tmp_path, env=_only(tmp_path), capture_output=True)
    assert (done.stderr.decode(), done.returncode) == ("", 0)
    verdicts = json.loads(done.stdout)["verdicts"]
    assert [(v["verdict"], v["row"], v["test"]) for v in verdicts] == [
        ("spam", "17b", "UNWANTED_FILE"),
        ("ham", None, None),
    ]


def _only(folder: Path) -> dict[str, str]:
    """The environment in which the code in `folder` is the one that is imported."""
    return {**os.environ, "PYTHONPATH": str(folder)}


def test_every_class_attribute_of_a_filter_is_explained() -> None:
    for name in [*inspect.get_annotations(Filter), "cache_key", "check"]:
        assert f"`{name}`" in PAGE, name


def test_every_field_of_a_hit_and_stage_is_explained() -> None:
    for name in (*Hit.__struct_fields__, *(field.name for field in dataclasses.fields(Context)), *Stage):
        assert f"`{name}`" in PAGE, name


def test_the_helper_does_what_its_description_shows() -> None:
    result = doctest.testmod(testing)
    assert (result.attempted, result.failed) == (2, 0)
