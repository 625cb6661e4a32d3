"""`tamis serve`: the daemon."""

import argparse
import os
import sys

from tamis import config


def add_serve(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register `tamis serve`."""
    parser = subparsers.add_parser(
        "serve",
        help="filter mail for an MTA, as a milter",
        description="Filter mail for an MTA, as a milter. SIGHUP reads the configuration again, SIGTERM ends.",
    )
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        help=f"configuration file (default: ${config.ENVIRONMENT}, else {config.DEFAULT_PATH} where it exists)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until told to stop; 0 after SIGTERM, 1 when it cannot start, 2 for a bad configuration."""
    # One thread of linear algebra a worker: there are as many workers as cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    path = config.find(args.config)
    try:
        settings = config.load(path)
    except config.ConfigError as error:
        for problem in error.problems:
            print(f"tamis: {problem}", file=sys.stderr)
        return 2
    from tamis.milter.core import real_core
    from tamis.milter.supervisor import Supervisor

    return Supervisor(path, settings, real_core()).run()
