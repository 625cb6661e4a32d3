"""Commands of a person on held mail, in a process of their own that can be killed at any step of them.

Reads one line of JSON for each: a word and its argument. Answers each with one: null, or the error.
"""

import json
import sys
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from tamis import config
from tamis.quarantine import transitions
from tamis.quarantine.spool import Spool
from tamis.quarantine.store import Store


def main() -> None:
    settings = config.load(Path(sys.argv[1]))
    store = Store(settings.database_url, Spool(settings.spool_folder))
    for line in sys.stdin:
        word, argument = json.loads(line)
        error = None
        try:
            match word:
                case "release":
                    transitions.release(store, argument, "admin", "X-Icodia-SpamFilter-WL")
                case "remove":
                    transitions.remove(store, argument, "admin")
                case "expire":
                    transitions.expire(store, argument)
                    transitions.collect(store, transitions.unneeded(store))
                case "sweep":
                    store.spool.sweep()
                    transitions.collect(store, transitions.orphans(store))
        except (OSError, SQLAlchemyError) as failure:
            error = f"{type(failure).__name__}: {failure}"
        print(json.dumps(error), flush=True)


if __name__ == "__main__":
    main()
