"""`tamis tests`: every named test, the row it comes from, and its weight in the model in force."""

import argparse
from collections.abc import Iterator
from typing import Any

from tamis.commands.common import add_config_option, load_config, print_json, print_table
from tamis.config import Config


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("tests", help="print the named tests and their learned weights")
    add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def _of_the_site(config: Config) -> Iterator[dict[str, Any]]:
    """Yield the tests of the rules in the site's own files; those of files with mistakes are left out."""
    from tamis.filters.order import BY_NAME
    from tamis.rules.rule import Use, test_name
    from tamis.rules.sources import RuleFiles

    rows = {Use.KEYWORD: BY_NAME["keywords"], Use.LOGIC: BY_NAME["regex-logic"]}
    for name, rule in RuleFiles(config).read_what_can_be().items() if config.settings.rules.files else ():
        if rule.enabled and rule.use in rows:
            row, test = rows[rule.use], test_name(name)
            yield {
                "name": test,
                "row": row.number,
                "filter": row.name,
                "weight": rule.score,
                "meaning": rule.description,
            }


def run(args: argparse.Namespace) -> int:
    from tamis.engine import model_path
    from tamis.filters.order import ORDER
    from tamis.models.bayes import Model

    weights = Model.load(model_path(load_config(args))).weights
    from tamis.authentication import evidence

    found: list[dict[str, Any]] = [
        {"name": name, "row": row.number, "filter": row.name, "weight": weights.get(name, 0.0), "meaning": meaning}
        for row in ORDER
        if row.filter
        for name, meaning in row.filter.tests.items()
    ]
    found += [
        {"name": name, "row": "", "filter": "authentication", "weight": 0.0, "meaning": meaning}
        for name, meaning in evidence.TESTS.items()
    ]
    known = {test["name"] for test in found}
    found += [test for test in _of_the_site(load_config(args)) if test["name"] not in known]
    if args.json:
        print_json(found)
    else:
        table = [[t["name"], t["row"], t["filter"], f"{t['weight']:g}", t["meaning"]] for t in found]
        print_table(["test", "#", "filter", "weight", "what it means"], [[str(c) for c in line] for line in table])
    return 0
