"""Where keys stand: held to tomllib on generated files."""

import time
import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tamis.toml_lines import Path, key_lines, line_of

_KEYS = st.text("abcXYZ019_-", min_size=1, max_size=6)
_QUOTED = st.text("ab .=#[]'é", max_size=6).map(lambda text: f'"{text}"')
_VALUES = st.sampled_from(
    [
        "1",
        "true",
        '"x"',
        "'x = [1'",
        '"# no comment"',
        "[1, 2]",
        "[\n  1,\n  2,\n]",
        '[ # why\n  "a", # "]"\n\n  "b",\n]',
        "[[1], [\n2]]",
        '"""\n[table]\nkey = 1\n"""',
        "'''\n[[table]]\n'''",
        '"""one line"""',
        "{ a = 1, b = [1,\n2] }",
        "2024-01-01",
        '["""\nx = [\n"""]',
    ]
)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[Path, int]]:
    """A TOML text, and the line of each key written in it."""
    lines: list[str] = []
    written: dict[Path, int] = {}
    tables = draw(st.lists(st.tuples(st.sampled_from(["top", "[", "[["]), _KEYS), max_size=5))
    counts: dict[str, int] = {}
    names: set[str] = set()
    for number, (kind, name) in enumerate(tables):
        path: Path = ()
        if kind == "top" and number:
            continue
        if kind != "top":
            name = f"{name}{'s' if kind == '[[' else 't'}"
            if kind == "[" and name in names:
                continue
            names.add(name)
            lines.append({"[": f" [ {name} ] # a table", "[[": f"[[{name}]]"}[kind])
            path = (name,) if kind == "[" else (name, counts.setdefault(name, 0))
            counts[name] = counts.get(name, 0) + 1
            written[path] = len(lines)
        for key in draw(st.lists(st.one_of(_KEYS, _QUOTED), max_size=4, unique_by=lambda key: key.strip('"'))):
            value = draw(_VALUES)
            if not path and key in {f"{name}{end}" for _, name in tables for end in "st"}:
                continue
            lines.extend(draw(st.sampled_from([[], [""], ["# key = 1"]])))
            written[(*path, key.strip('"'))] = len(lines) + 1
            lines.extend(f"{key} = {value}".split("\n"))
    return "\n".join(lines) + "\n", written


@given(documents())
def test_agrees_with_tomllib(document: tuple[str, dict[Path, int]]) -> None:
    text, written = document
    data = tomllib.loads(text)
    found = key_lines(text)
    for path, line in written.items():
        assert found[path] == line, path
        _at(data, path)
    for path in found:
        _at(data, path)


def _at(data: Any, path: Path) -> Any:
    for step in path:
        data = data[step]
    return data


def test_dotted_keys_and_nested_tables() -> None:
    text = "[policy]\nlevel = 3\nfilters.spf.enabled = false\n[domain.\"example.org\".filters]\n'bayes' . x = 1\n"
    found = key_lines(text)
    assert found["policy", "filters"] == found["policy", "filters", "spf"] == 3
    assert found["policy", "filters", "spf", "enabled"] == 3
    assert found["domain", "example.org", "filters"] == 4
    assert found["domain", "example.org", "filters", "bayes", "x"] == 5


def test_keys_of_inline_tables() -> None:
    found = key_lines("a = 1\n[b]\nc.d = { e = 1, f = [\n2], g = { h = 3 } }\n")
    assert found["b", "c", "d", "e"] == found["b", "c", "d", "f"] == found["b", "c", "d", "g", "h"] == 3


def test_the_nearest_table_stands_for_what_has_no_line() -> None:
    found = key_lines("a = 1\n[b]\nc = [{ d = 1 }]\n")
    assert line_of(found, ("b", "c", 0, "d")) == 3
    assert line_of(found, ("b", "x")) == 2
    assert line_of(found, ("x",)) is None


def test_a_long_list_is_read_fast() -> None:
    entries = "".join(f'  "192.0.{number // 256}.{number % 256}", # {number}\n' for number in range(20_000))
    started = time.process_time()
    found = key_lines(f"[lists]\nwhitelist_ip = [\n{entries}]\nblacklist_ip = []\n")
    assert time.process_time() - started < 1
    assert found["lists", "blacklist_ip"] == 20_004
