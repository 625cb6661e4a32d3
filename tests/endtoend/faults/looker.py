"""Looks into a file of SQLite as the user that the daemon is: root would leave files there that only root can write.

Reads one line of JSON for each statement: itself and its values. Answers each with one: its rows, or the error. What
BEGIN begins lasts until ROLLBACK, and is no business of the statements between them.
"""

import json
import sqlite3
import sys
from contextlib import closing
from typing import Any


def run(connection: sqlite3.Connection, statement: str, values: list[Any]) -> list[Any]:
    return connection.execute(statement, values).fetchall()


def main() -> None:
    locking: sqlite3.Connection | None = None
    for line in sys.stdin:
        statement, values = json.loads(line)
        rows: list[Any] = []
        error = None
        try:
            if statement.startswith("BEGIN"):
                locking = sqlite3.connect(sys.argv[1], timeout=20.0, isolation_level=None)
                run(locking, statement, values)
            elif locking is not None and statement == "ROLLBACK":
                run(locking, statement, values)
                locking.close()
            else:
                with closing(sqlite3.connect(sys.argv[1], timeout=20.0)) as connection, connection:
                    rows = run(connection, statement, values)
        except sqlite3.Error as failure:
            error = str(failure)
        print(json.dumps([rows, error]), flush=True)


if __name__ == "__main__":
    main()
