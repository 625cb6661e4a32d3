"""The command `tamis`."""

import argparse
import io
import sys
from functools import cache

from sqlalchemy.exc import SQLAlchemyError

import tamis
from tamis.commands import (
    account,
    attachment,
    check_config,
    complaint,
    database,
    filters,
    history,
    image,
    learn,
    mailboxes,
    policy,
    quarantine,
    rules,
    scan,
    sender,
)
from tamis.commands import list as list_command
from tamis.commands import tests as tests_command
from tamis.commands.common import UsageError
from tamis.config import ConfigError
from tamis.database import first_line
from tamis.lists import BadEntry
from tamis.models.storage import ModelError
from tamis.privileges import NoSuchUser


@cache
def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every command; modules that only one command needs are imported when it runs."""
    from tamis.milter.commands import add_serve
    from tamis.models.commands import add_train
    from tamis.models.evaluate_command import add_evaluate
    from tamis.web.command import add as add_web

    parser = argparse.ArgumentParser(prog="tamis", description="Antispam for Postfix that says why.")
    parser.add_argument("--version", action="version", version=f"tamis {tamis.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_serve(commands)
    scan.add(commands)
    add_train(commands)
    learn.add(commands)
    add_evaluate(commands)
    filters.add(commands)
    tests_command.add(commands)
    policy.add(commands)
    list_command.add(commands)
    complaint.add(commands)
    sender.add(commands)
    attachment.add(commands)
    image.add(commands)
    mailboxes.add(commands)
    rules.add(commands)
    quarantine.add(commands)
    history.add(commands)
    history.add_why(commands)
    add_web(commands)
    account.add(commands)
    database.add(commands)
    check_config.add(commands)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status: 0 for success, 1 for a failure, 2 for bad input."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    args = build_parser().parse_args(policy.with_action(sys.argv[1:] if arguments is None else arguments))
    try:
        return int(args.run(args))
    except ConfigError as error:
        for problem in error.problems:
            print(f"tamis: {problem}", file=sys.stderr)
        return 2
    except (UsageError, BadEntry, NoSuchUser, ModelError) as error:
        print(f"tamis: {error}", file=sys.stderr)
        return 2
    except SQLAlchemyError as error:
        print(f"tamis: database: {first_line(error)}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"tamis: {where}{error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
