"""`tamis filters`: the documented order, what is built of it, and what is on by default."""

import argparse

from tamis.commands.common import add_config_option, load_config, print_json, print_table


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("filters", help="print the documented order of the filters")
    add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from tamis.filters.order import ORDER
    from tamis.policy import Policies

    policy = Policies(load_config(args)).for_domain("")
    rows = [
        {
            "number": row.number,
            "name": row.name,
            "stage": row.stage.value,
            "state": "built" if row.built else "not built",
            "enabled": policy.enabled[row.name],
            "judgement": row.judgement.value,
            "question": row.question,
        }
        for row in ORDER
    ]
    if args.json:
        print_json(rows)
    else:
        table = [
            [
                str(row["number"]),
                str(row["name"]),
                str(row["stage"]),
                str(row["state"]),
                "on" if row["enabled"] else "off",
                str(row["judgement"]),
                str(row["question"]),
            ]
            for row in rows
        ]
        print_table(["#", "filter", "stage", "state", "default", "a hit", "the question"], table)
    return 0
