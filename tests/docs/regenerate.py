"""Write the pages that are made from the code: `python -m tests.docs.regenerate`, with `--check` to only compare.

docs/filters.md comes from the documented order, docs/tests.md and a table in
docs/classifier.md from the named tests and their weights,
docs/command-line.md from the parsers of the commands, docs/explanations.md from the sentences about held mail, and
the code blocks that follow a ``<!-- file: PATH -->`` line
in docs/writing-a-filter.md from those files.
"""

import argparse
import difflib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tamis.cli import build_parser
from tamis.filters.order import ORDER, Row, Switch
from tamis.traits import FAMILIES, TRAITS
from tamis.traits.weights import learned
from tests.docs.explanations import explanations_page

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_MEASURES = ("1-ROCA %", "ham misfiled at 7.5 %", "spam missed %")
_ABLATION = re.compile(r"(<!-- ablation -->\n).*?(<!-- end -->)", re.S)
_QUOTE = re.compile(r"(<!-- file: (\S+) -->\n```\w+\n).*?(^```$)", re.S | re.M)


def filters_page() -> str:
    """Return docs/filters.md."""
    lines = [
        "# The filters, in the documented order",
        "",
        "<!-- Made by `python -m tests.docs.regenerate` from filters/order.py. Do not edit. -->",
        "",
        "The first decisive hit in this order names the reason of a verdict. `tamis filters` prints the same table",
        "with what your configuration switches on. How the walk goes is told in [how-it-works.md](how-it-works.md),",
        "the options in [configuration.md](configuration.md).",
        "",
        "*Default*: on, off, or always (on, and not to be switched on its own). *Not built*: the row stands in the",
        "order and is never asked. *Always held*: in every mode but observe, whatever the mode says of spam.",
        "",
        "| # | filter | stage | state | default | a decisive hit | the question |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in ORDER:
        state = "built" if row.built else "not built"
        cells = (
            row.number,
            f"`{row.name}`",
            row.stage.value,
            state,
            row.default.value,
            row.judgement.value
            + (", always held" if row.always_held else "")
            + "".join(f"; spam for `{test}`" for test in row.spam_tests),
            row.question,
        )
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        "## The tests of each filter",
        "",
        "A test is a name that a hit carries. Tests of rows marked *scores* are evidence: they are printed in",
        "X-Spam-Status with the weight the model learned for them, or one given by hand. `tamis tests` prints the",
        "weights in force.",
    ]
    for row in ORDER:
        lines += _tests(row)
    return "\n".join(lines) + "\n"


def _tests(row: Row) -> Iterator[str]:
    if row.filter is None:
        return
    options = ", ".join(f"`{name}`" for name in row.options_type.__struct_fields__)
    switch = "" if row.default is Switch.ALWAYS else "`enabled`" + (", " if options else "")
    yield ""
    yield f"### {row.number} {row.name}" + (" (scores)" if row.filter.scores else "")
    yield ""
    yield f"Options: {switch}{options}."
    yield ""
    yield "| test | what it means |"
    yield "|---|---|"
    for name, meaning in row.filter.tests.items():
        if name not in TRAITS:
            yield f"| `{name}` | {meaning} |"
    if not TRAITS.keys().isdisjoint(row.filter.tests):
        yield ""
        yield f"And {len(TRAITS)} named tests of the whole message, which stand in [tests.md](tests.md)."


def tests_page() -> str:
    """Return docs/tests.md."""
    shipped = learned()
    ham, spam = sum(shipped.ham.values()), sum(shipped.spam.values())
    lines = [
        "# The named tests of the whole message",
        "",
        "<!-- Made by `python -m tests.docs.regenerate` from tamis/traits and models/traits.json. Do not edit. -->",
        "",
        f"{len(TRAITS)} tests in {len(FAMILIES)} families, with the weight learned for each in score points, and the",
        f"messages that it hits, of {ham} ham and {spam} spam. How the weights are learned is told in",
        "[classifier.md](classifier.md#named-tests); the tests of the other rows are in [filters.md](filters.md).",
    ]
    for family in FAMILIES:
        lines += ["", f"## {family.name.capitalize()}", "", f"{family.about[0].upper()}{family.about[1:]}.", ""]
        lines += ["| test | what it computes | weight | ham | spam |", "|---|---|---|---|---|"]
        for name, trait in TRAITS.items():
            if trait.family == family.name:
                known = shipped.tests[name]
                lines.append(f"| `{name}` | {trait.meaning} | {known.weight:g} | {known.ham} | {known.spam} |")
    return "\n".join(lines) + "\n"


def command_line_page() -> str:
    """Return docs/command-line.md: what each command's `--help` says, laid out alike by every version of Python."""
    lines = [
        "# The command line",
        "",
        "<!-- Made by `python -m tests.docs.regenerate` from the commands' own `--help`. Do not edit. -->",
        "",
        "Exit status: 0 for success, 1 for a failure, 2 for bad input, with one clear line on standard error.",
        "Every command has `--help`.",
    ]
    for title, parser in _commands(build_parser()):
        lines += ["", f"## {title}", "", *_command(parser)]
    return "\n".join(lines) + "\n"


def _command(parser: argparse.ArgumentParser) -> Iterator[str]:
    if parser.description:
        yield parser.description
        yield ""
    yield "```text"
    yield " ".join(parser.format_usage().removeprefix("usage: ").split())
    yield "```"
    rows = [row for action in parser._actions for row in _arguments(parser, action)]
    if rows:
        yield ""
        yield "| | |"
        yield "|---|---|"
        yield from (f"| `{name}` | {text.replace('|', chr(92) + '|')} |" for name, text in rows)


def _arguments(parser: argparse.ArgumentParser, action: argparse.Action) -> Iterator[tuple[str, str]]:
    """Yield each argument or option as it is written, with its help; for a group of commands, each of them."""
    if isinstance(action, argparse._HelpAction):
        return
    if isinstance(action, argparse._SubParsersAction):
        yield from ((choice.dest, choice.help or "") for choice in action._choices_actions)
        return
    formatter = parser._get_formatter()
    if action.nargs == 0:
        name = ", ".join(action.option_strings)
    else:
        choices = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else ""
        value = action.metavar or choices or (action.dest.upper() if action.option_strings else action.dest)
        name = " ".join(filter(None, (", ".join(action.option_strings), str(value))))
    yield name, formatter._expand_help(action) if action.help else ""


def _commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield a parser and those of its commands below it, depth first, in the order they are listed."""
    yield parser.prog, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            choices: dict[str, Any] = action.choices
            for child in dict.fromkeys(choices.values()):
                yield from _commands(child)


def ablation_page(page: str) -> str:
    """Return docs/classifier.md with the ablation of models/traits.json."""
    head = ("left out", "tests", *(f"{layers}: {name}" for layers in ("counts", "both") for name in _MEASURES))
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for family, measured in learned().ablation.items():
        cells = [family, f"{measured['tests']:g}"]
        for one in (measured, learned().ablation_both[family]):
            cells += [f"{one['one_minus_roc_area']:.3f}", f"{one['ham_misfiled']:.3f}", f"{one['spam_missed']:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    table = "\n".join(lines)
    return _ABLATION.sub(lambda found: f"{found[1]}\n{table}\n\n{found[2]}", page)


def quoting_page(page: str) -> str:
    """Return a page with the files it quotes as they are now."""
    return _QUOTE.sub(lambda found: found[1] + (ROOT / found[2]).read_text(encoding="utf-8") + found[3], page)


def pages() -> dict[Path, str]:
    """Return every page that is made, or partly made, from the code."""
    tutorial = DOCS / "writing-a-filter.md"
    classifier = DOCS / "classifier.md"
    return {
        DOCS / "filters.md": filters_page(),
        DOCS / "tests.md": tests_page(),
        DOCS / "command-line.md": command_line_page(),
        DOCS / "explanations.md": explanations_page(),
        classifier: ablation_page(classifier.read_text(encoding="utf-8")),
        tutorial: quoting_page(tutorial.read_text(encoding="utf-8")),
    }


def main() -> int:
    """Write the pages, or compare them; return 1 where `--check` finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m tests.docs.regenerate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="print what would change, and change nothing")
    check = parser.parse_args().check
    status = 0
    for path, wanted in pages().items():
        found = path.read_text(encoding="utf-8") if path.exists() else ""
        if found == wanted:
            continue
        name = str(path.relative_to(ROOT))
        if check:
            status = 1
            sys.stdout.writelines(
                difflib.unified_diff(found.splitlines(True), wanted.splitlines(True), name, "made now")
            )
        else:
            path.write_text(wanted, encoding="utf-8")
            print(f"written: {name}")
    return status


if __name__ == "__main__":
    sys.exit(main())
