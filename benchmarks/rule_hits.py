"""How often each shipped rule hits ham and spam: `python -m benchmarks.rule_hits`, with TAMIS_CORPORA set.

Writes the table of docs/rules.md. With `--ham RULE` it prints the ham that a rule hits instead, to sharpen it.
A test holds the table to the rules as they are (tests/rules/test_base.py), without the corpora.
"""

import argparse
import hashlib
import os
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import msgspec

from tamis.message import Message
from tamis.models.corpus import entries_of
from tamis.rules import expressions
from tamis.rules.matching import Rules
from tamis.rules.rule import Rule, Use
from tamis.rules.shipped import shipped_rules

PAGE: Final = Path(__file__).parents[1] / "docs" / "rules.md"
CORPORA: Final = ("spamassassin", "trec07p-first20k", "modern", "enron-raw-ham", "bounces")
MOST_HAM_PERCENT: Final = 0.05
_TABLE: Final = re.compile(r"(?<=<!-- hits -->\n).*?(?=<!-- end of hits -->)", re.S)


def fingerprint(name: str, rules: dict[str, Rule]) -> str:
    """Return what changes with a rule and with all rules that it names, eight hexadecimal digits."""
    seen: dict[str, Rule] = {}
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen[one] = rules[one]
            if rules[one].expression:
                node = expressions.parse(rules[one].expression, rules.keys() - {one})
                waiting += [other for other, _ in node.names()]
    plain = msgspec.json.encode(sorted((one, rule.patterns, rule.where, rule.expression) for one, rule in seen.items()))
    return hashlib.blake2b(plain, digest_size=4).hexdigest()


def table(text: str) -> list[list[str]]:
    """Return the cells of each line of the table in a page."""
    found = _TABLE.search(text)
    lines = found[0].splitlines() if found else []
    return [[cell.strip(" `") for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| `")]


def main() -> int:
    """Measure, and write the table or print what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rule_hits", description=__doc__)
    parser.add_argument("--ham", metavar="RULE", help="print the ham that this rule hits")
    asked = parser.parse_args().ham
    folder = os.environ.get("TAMIS_CORPORA")
    if not folder:
        parser.error("TAMIS_CORPORA does not name the folder of the corpora")
    rules = shipped_rules()
    looking = Rules(rules)
    total: Counter[bool] = Counter()
    decided: Counter[bool] = Counter()
    hits: Counter[tuple[str, bool]] = Counter()
    for corpus in CORPORA:
        for entry in entries_of(Path(folder) / corpus):
            total[entry.spam] += 1
            found = looking.look_at(Message(entry.read())).everything()
            hits.update((match.name, entry.spam) for match in found)
            decided[entry.spam] += any(match.rule.decides for match in found)
            for match in found:
                if asked == match.name and not entry.spam:
                    print(f"{corpus}/{entry.name}: {match.because}")
    if asked:
        return 0
    lines = [
        f"Measured on {total[False]:,} ham and {total[True]:,} spam ({', '.join(CORPORA)}). Some rule that "
        f"decides hits {decided[False]} ham ({_share(decided[False], total[False])}) and {decided[True]:,} spam "
        f"({_share(decided[True], total[True])}).",
        "",
        "| rule | for | does | ham | | spam | | measured as | what it means |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, rule in rules.items():
        counts = [(hits[name, spam], _share(hits[name, spam], total[spam])) for spam in (False, True)]
        cells = [f"`{name}`", rule.use.value, _does(rule), *(str(cell) for count in counts for cell in count)]
        lines.append("| " + " | ".join([*cells, f"`{fingerprint(name, rules)}`", rule.description]) + " |")
        if rule.use is not Use.PART and 100 * counts[0][0] / total[False] > MOST_HAM_PERCENT:
            print(f"hits too much ham: {name}: {counts[0][0]} ({counts[0][1]})", file=sys.stderr)
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(_TABLE.sub(lambda _: "\n".join(["", *lines, ""]) + "\n", page), encoding="utf-8")
    print(lines[0])
    return 0


def _does(rule: Rule) -> str:
    return "decides" if rule.decides else f"{rule.score:+g}" if rule.score else "—"


def _share(found: int, total: int) -> str:
    return f"{100 * found / total:.3f} %" if total else "—"


if __name__ == "__main__":
    sys.exit(main())
