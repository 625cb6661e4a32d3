"""rspamd's Bayes on the same mail by the batch protocol, for the table in docs/classifier.md.

    python -m benchmarks.rspamd_bayes --index INDEX --train-index INDEX [--learn-all] [--scores OUT.tsv]

Debian's rspamd and redis-server (`benchmarks.bayes_table --install`) in a temporary folder, on ports of their own. All
of rspamd but the classifier is off, which is configured as Debian does it: OSB tokens, 200 messages of each class to
begin with. A message is taught by the controller (what `rspamc learn_spam` does), scored by the symbols BAYES_SPAM and
BAYES_HAM: their weight is how sure it is, 0 where there is neither. rspamd has no threshold for it: BAYES_SPAM is worth
5.1 points at most, and a header is added from 6 on. --threshold says from which weight on a message counts as spam here
(0.5: a probability of 75 %).
"""

import argparse
import contextlib
import http.client
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self

from tamis.models.corpus import Entry, entries_of
from tamis.models.evaluation import Scored, measure_scored, write_scores
from tamis.postfix.ports import free_ports

USER: Final = "_rspamd"
WEIGHT: Final = 1e6
"""Score of the symbols at full weight, so that all digits are printed."""
_START_SECONDS: Final = 60.0
_CONFIGURATION: Final = """
lua = "{rules}/rspamd.lua";
options {{ filters = ""; pidfile = "{folder}/pid"; url_tld = "/usr/share/rspamd/effective_tld_names.dat";
  cache_file = "{folder}/symbols.cache"; dns {{ nameserver = ["127.0.0.1:1:1"]; timeout = 0.001s; retransmits = 1; }} }}
logging {{ type = "file"; filename = "{folder}/log"; level = "error"; }}
worker "normal" {{ bind_socket = "127.0.0.1:{normal}"; count = 1; }}
worker "controller" {{ bind_socket = "127.0.0.1:{controller}"; count = 1; secure_ip = ["127.0.0.1"]; }}
modules {{ path = "{folder}/none"; }}
actions {{ reject = 1e9; }}
group "statistics" {{
  symbols = {{ "BAYES_SPAM" {{ weight = {weight}; }} "BAYES_HAM" {{ weight = -{weight}; }} }}
}}
classifier "bayes" {{
  tokenizer {{ name = "osb"; }}
  cache {{ servers = "{redis}"; }}
  new_schema = true; store_tokens = false; signatures = false; min_tokens = 11; min_learns = 200;
  backend = "redis"; servers = "{redis}";
  statfile {{ symbol = "BAYES_HAM"; spam = false; }}
  statfile {{ symbol = "BAYES_SPAM"; spam = true; }}
  {condition}
}}
"""


_CONDITION: Final = """learn_condition = 'return require("lua_bayes_learn").can_learn';"""
"""Debian's: what it is 95 % sure of already is not learned."""


class Rspamd:
    """rspamd with nothing but its Bayes. A context manager."""

    def __init__(self, learn_all: bool) -> None:
        self._condition = "" if learn_all else _CONDITION

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="rspamd-bayes-", dir="/tmp"))
        shutil.chown(self._folder, USER)
        self._running: list[subprocess.Popen[bytes]] = []
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self) -> None:
        normal, controller = free_ports(2)
        (self._folder / "none").mkdir()
        redis, file = self._folder / "redis.sock", self._folder / "rspamd.conf"
        file.write_text(
            _CONFIGURATION.format(
                rules="/usr/share/rspamd/rules", folder=self._folder, normal=normal, controller=controller,
                redis=redis, weight=WEIGHT,
                condition=self._condition,
            )
        )  # fmt: skip
        self._run("redis-server", "--port", "0", "--unixsocket", str(redis), "--save", "", "--dir", str(self._folder))
        self._run("rspamd", "-f", "-c", str(file))
        self._normal, self._controller = (_connection(port) for port in (normal, controller))

    def _run(self, *command: str) -> None:
        path = f"{os.environ['PATH']}:/usr/sbin"
        with (self._folder / "out").open("ab") as out:
            # As its own user from the start: it would not become it where it is not root.
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, user=USER, group=USER, extra_groups=[],
                start_new_session=True, cwd=self._folder, env={**os.environ, "PATH": path},
            )  # fmt: skip
        self._running.append(process)

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._running):
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def teach(self, raw: bytes, spam: bool) -> bool:
        """Teach a message; return whether it was learned: not what it knows, and what has too few words."""
        return _ask(self._controller, "/learnspam" if spam else "/learnham", raw)[0] == http.HTTPStatus.OK

    def ask(self, raw: bytes) -> float:
        """Return how sure it is that a message is spam (1), or ham (-1)."""
        status, said = _ask(self._normal, "/checkv2", raw)
        if status != http.HTTPStatus.OK:
            raise RuntimeError(f"{status}: {said}")
        symbols = said["symbols"]
        return sum(float(symbols[name]["score"]) for name in ("BAYES_SPAM", "BAYES_HAM") if name in symbols) / WEIGHT


def _connection(port: int) -> http.client.HTTPConnection:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("GET", "/ping")
            connection.getresponse().read()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return connection


def _ask(connection: http.client.HTTPConnection, path: str, raw: bytes) -> tuple[int, Any]:
    """Post a message; return status and answer. rspamd closes a connection after its answer."""
    connection.close()
    connection.request("POST", path, raw)
    answer = connection.getresponse()
    said = answer.read()
    return answer.status, json.loads(said) if answer.status == http.HTTPStatus.OK else said


def run(rspamd: Rspamd, entries: list[Entry], first: list[Entry]) -> Iterator[Scored]:
    """Teach what comes first, then yield the score of each message."""
    taught = [0, 0]
    for entry in first:
        taught[entry.spam] += rspamd.teach(entry.read(), entry.spam)
    print(f"taught {len(first)}, learned {taught[False]} ham and {taught[True]} spam", file=sys.stderr, flush=True)
    for entry in entries:
        yield Scored(entry.spam, rspamd.ask(entry.read()), entry.name)


def main() -> int:
    """Measure, and print the same lines as `tamis evaluate`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", required=True)
    parser.add_argument("--train-index", required=True)
    parser.add_argument("--scores")
    parser.add_argument("--threshold", type=float, default=0.5)
    parser.add_argument("--learn-all", action="store_true", help="learn also what it is sure of, as Debian does not")
    args = parser.parse_args()
    pwd.getpwnam(USER)
    with Rspamd(args.learn_all) as rspamd:
        scored = list(run(rspamd, entries_of(args.index), entries_of(args.train_index)))
    if args.scores:
        with open(args.scores, "w", encoding="utf-8", errors="surrogateescape") as file:
            write_scores(scored, file)
    print("\n".join(measure_scored(scored, args.threshold).lines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
