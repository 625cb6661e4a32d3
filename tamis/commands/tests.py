"""`tamis tests`: every named test, where it comes from, and its weight in the model in force; an audit of them."""

import argparse
from collections.abc import Iterator
from typing import Any

from tamis.commands.common import add_config_option, load_config, print_json, print_table
from tamis.config import Config


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "tests", help="print the named tests and their weights, learned or given; count or audit them"
    )
    add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--count", action="store_true", help="print how many tests with a learned weight are audited")
    parser.add_argument(
        "--audit",
        action="store_true",
        help="exit with 1 unless there are 500 tests, each of which hits 20 messages or more and fewer than 95 %%, no"
        " two agree beyond a Jaccard index of 0.95, and at most 10 are variants of one measure",
    )
    parser.add_argument(
        "--corpus",
        nargs="+",
        metavar="INDEX",
        help="audit by this mail, as `tamis evaluate` takes it, and not by the counts that are shipped",
    )
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="with --corpus: look at each Nth message alone"
    )
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
    if args.audit or args.corpus:
        return _audit(args)
    if args.count:
        from tamis.traits import TRAITS

        if args.json:
            print_json({"count": len(TRAITS)})
        else:
            print(len(TRAITS))
        return 0
    return _list(args)


def _list(args: argparse.Namespace) -> int:
    from tamis.filters.order import ORDER
    from tamis.model_source import model_path
    from tamis.models.bayes import Model
    from tamis.traits import TRAITS
    from tamis.traits.weights import learned

    config = load_config(args)
    weights = Model.load(model_path(config)).weights
    from tamis.authentication import evidence

    counted = learned().tests
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "row": row.number,
            "filter": row.name,
            "weight": row.filter.given.get(name, weights.get(name, 0.0)),
            "meaning": meaning,
        }
        for row in ORDER
        if row.filter
        for name, meaning in row.filter.tests.items()
    ]
    for test in found:
        trait = TRAITS.get(test["name"])
        if trait is not None:
            ham, spam, weight = counted[trait.name].ham, counted[trait.name].spam, counted[trait.name].weight
            test |= {"weight": weight, "family": trait.family, "measure": trait.measure, "ham": ham, "spam": spam}
    found += [
        {"name": name, "row": "", "filter": "authentication", "weight": 0.0, "meaning": meaning}
        for name, meaning in evidence.TESTS.items()
    ]
    known = {test["name"] for test in found}
    found += [test for test in _of_the_site(config) if test["name"] not in known]
    if args.json:
        print_json(found)
    else:
        table = [
            [t["name"], t["row"], t["filter"], f"{t['weight']:g}", t.get("ham", ""), t.get("spam", ""), t["meaning"]]
            for t in found
        ]
        head = ["test", "#", "filter", "weight", "hits on ham", "on spam", "what it means"]
        print_table(head, [[str(cell) for cell in line] for line in table])
    return 0


def _audit(args: argparse.Namespace) -> int:
    from tamis.models.trait_audit import Evidence, complaints, evidence_of
    from tamis.traits import TRAITS
    from tamis.traits.weights import learned

    if args.corpus:
        from tamis.models.corpus import entries_of
        from tamis.models.trait_hits import hits_of

        entries = [entry for index in args.corpus for entry in entries_of(index)][:: max(1, args.every)]
        hits = hits_of(entries, tuple(TRAITS))
        evidence = evidence_of(hits.names, hits.matrix)
    else:
        shipped = learned()
        counts = {name: test.ham + test.spam for name, test in shipped.tests.items()}
        evidence = Evidence(sum(shipped.ham.values()) + sum(shipped.spam.values()), counts, shipped.alike)
    wrong = list(complaints(TRAITS, evidence))
    if args.json:
        print_json({"tests": len(TRAITS), "messages": evidence.messages, "complaints": wrong})
    else:
        for line in wrong:
            print(line)
        print(f"{len(TRAITS)} tests, {evidence.messages} messages: {len(wrong) or 'no'} complaints")
    return 1 if wrong else 0
