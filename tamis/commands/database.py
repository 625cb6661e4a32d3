"""`tamis database`: bring the tables up to date after an update of Tamis, or only say whether they are."""

import argparse
import os
import sys

from tamis.commands.common import add_config_option, load_config
from tamis.config import Config
from tamis.privileges import become_service_user


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("database", help="check the tables of the database, or bring them up to date")
    actions = parser.add_subparsers(dest="action", required=True, metavar="check|upgrade")
    for action, text, run in (
        ("check", "say in one line whether the tables are up to date; exit status 1 where they are not", _check),
        ("upgrade", "make the tables, or bring them up to date, keeping what they hold", _upgrade),
    ):
        sub = actions.add_parser(action, help=text)
        add_config_option(sub)
        sub.set_defaults(run=run)


def _service_config(args: argparse.Namespace) -> Config:
    config = load_config(args)
    become_service_user(config)
    return config


def _check(args: argparse.Namespace) -> int:
    url = _service_config(args).database_url
    from tamis import schema
    from tamis.database import name_of, open_database, sqlite_file

    file, name = sqlite_file(url), name_of(url)
    if file is not None and not os.path.exists(file):
        print(f"{name}: not there yet; the first change makes it")
        return 0
    with open_database(url).connect() as connection:
        found = schema.revision(connection)
        if found == schema.UNNUMBERED and not schema.holds_tables(connection):
            print(f"{name}: no tables yet; the first change makes them")
            return 0
        different = schema.differences(connection)
    if found != schema.REVISION:
        answer = f"tables of version {found or 'unknown'}, not {schema.REVISION}: run tamis database upgrade"
    elif different:
        answer = f"version {found}, but its tables are not as they should be: {different[0]}"
    else:
        print(f"{name}: version {found}, up to date")
        return 0
    print(f"tamis: {name}: {answer}", file=sys.stderr)
    return 1


def _upgrade(args: argparse.Namespace) -> int:
    url = _service_config(args).database_url
    from tamis import schema
    from tamis.database import name_of, open_database

    before = schema.upgrade(open_database(url))
    if before == schema.REVISION:
        print(f"{name_of(url)}: version {before}, up to date")
    else:
        print(f"{name_of(url)}: upgraded{f' from version {before}' if before else ''} to version {schema.REVISION}")
    return 0
