"""Examines each bomb as a worker does, and prints what it took: one line of JSON each. Run by test_bombs.py."""

import json
import os
import resource
import sys
import time
from pathlib import Path

from tamis import limits
from tamis.config import parse
from tamis.engine import Engine, preload
from tamis.mail import Mail, parse_ip
from tamis.message import Message
from tests.attachments.making import macros, text


def main() -> None:
    folder = Path(sys.argv[1])
    limits.HELPER_SECONDS = 60.0  # type: ignore[misc]  # What is measured is CPU, however busy the machine is.
    config = parse(f'[daemon]\nstate_directory = "{folder}"\n[policy]\nmode = "tag"\n', "x")
    preload(config)
    engine = Engine(config, network=False)
    examine(engine, text(("a.doc", macros("Sub AutoOpen()\r\nEnd Sub"))), 1000)
    for path in sorted(folder.glob("*.eml")):
        size = path.stat().st_size
        with path.open("rb") as file:
            raw = file.read(limits.MESSAGE_BYTES)
        Path("/proc/self/clear_refs").write_text("5", "ascii")
        helper = engine.snapshot.helper
        process = helper._process if helper else None
        before, wall = cpu(process.pid if process else 0), time.monotonic()
        tests = examine(engine, raw, size)
        wall = time.monotonic() - wall
        after = helper._process.pid if helper and helper._process else 0
        spent = cpu(after) - (
            before if after == (process.pid if process else 0) else before - of(process.pid if process else 0)
        )
        memory = high("self") + (high(str(after)) if after else 0)
        print(json.dumps([path.stem, spent, wall, memory, tests]), flush=True)


def examine(engine: Engine, raw: bytes, size: int) -> dict[str, str]:
    mail = Mail(
        Message(raw, size),
        parse_ip("192.0.2.7"),
        "mail.example.net",
        "mail.example.net",
        "ann@example.net",
        ["bob@example.org"],
    )
    record = engine.examine(mail)
    verdict = record.verdicts[0]
    grounds = {hit.name: hit.because for answer in record.answers for hit in answer.hits}
    for answer in record.answers:
        if answer.abstained:
            grounds[answer.abstained_as or f"{answer.row.name.upper().replace('-', '_')}_ABSTAINED"] = answer.abstained
    if mail.message.capped:
        grounds["SIZE_CAPPED"] = "larger, deeper or in more parts than is looked at"
    return {name: grounds.get(name, "") for name, _ in verdict.tests}


def cpu(helper: int) -> float:
    """Seconds of processor time of this process, of helpers that have ended, and of the one that runs."""
    used = sum(
        resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return used + of(helper)


def of(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def high(process: str) -> int:
    """The most memory a process had, in MB."""
    lines = Path(f"/proc/{process}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


if __name__ == "__main__":
    main()
