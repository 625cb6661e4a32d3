"""The real daemon around a small engine, run by the tests: ``python fake_daemon.py CONFIG``.

What it does with a message stands in the message's X-Do: field. What it saw is written to the file that
TAMIS_SEEN names, one JSON object per line. The one task of its keeper takes TAMIS_TASK_SECONDS, and writes there, too.
With TAMIS_REAL the engine and the tasks are the real ones, and decision lines name the worker.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tamis import config as configuration
from tamis.config import Config
from tamis.disposition import Disposition, Group
from tamis.headers import Changes
from tamis.mail import Mail
from tamis.milter.core import Core, real_core
from tamis.milter.supervisor import Supervisor
from tamis.networks import identify
from tamis.policy import Policies
from tamis.record import Refusal
from tamis.tasks import Task


def note(seen: dict[str, Any]) -> None:
    with open(os.environ["TAMIS_SEEN"], "a") as file:
        file.write(json.dumps(seen) + "\n")


class FakeEngine:
    """Examines nothing: it notes what it was given, and sleeps, fails or changes as it is told."""

    ready = True

    def __init__(self, config: Config, redis_url: str) -> None:
        self.redis_url = redis_url
        self.policy_of = Policies(config).for_recipient
        self.mark = config.settings.headers.id
        if os.environ.get("TAMIS_BREAK") == self.mark:
            raise RuntimeError("told not to start")

    def refresh(self) -> None:
        """Has nothing to refresh."""

    def keep(self) -> None:
        """Has nothing to keep."""

    def concluded(self, record: Any, answer: str) -> None:
        """Keeps no history."""

    def refused(self, mail: Mail, refusal: Refusal, answer: str) -> None:
        """Keeps no history."""

    def undecided(self, about: Mapping[str, object], because: str, answer: str) -> None:
        """Keeps no history."""

    def examine(self, mail: Mail) -> Any:
        raw = mail.message.raw
        order = (mail.message.header("x-do") or "").split()
        seen = {
            "peer": str(mail.peer),
            "rdns": mail.rdns,
            "helo": mail.helo,
            "sender": mail.mail_from,
            "recipients": list(mail.rcpt_to),
            "class": mail.mail_class.value,
            "queue_id": mail.queue_id,
            "size": mail.message.size,
            "raw": raw[:100_000].decode("latin-1"),
            "pid": os.getpid(),
            "redis": self.redis_url,
        }
        note(seen)
        if "sleep" in order:
            time.sleep(float(order[order.index("sleep") + 1]))
        if "fail" in order:
            raise ValueError("told to fail")
        if "die" in order:
            os._exit(3)
        return SimpleNamespace(mail=mail, order=order, mark=self.mark, refusal=None, ask_again="")

    def dispose(self, record: Any) -> Disposition:
        return Disposition(stay=Group((), changes(record)))

    def prefetch(self, mail: Mail, stage: object) -> None:
        """Asks nothing."""

    def may_refuse(self, peer: object) -> bool:
        return True

    def refusal(self, mail: Mail, recipient: str) -> None:
        """Refuses nobody."""


def changes(record: Any) -> Changes:
    if record.mail.mail_class.value == "outgoing":
        return Changes()
    added = [("X-Test-First", "one"), ("X-Test-Second", "two,\n\tfolded"), ("X-Test-Mark", record.mark)]
    if "bad-header" in record.order:
        added.append(("X-Test-Bad", "nul \0"))
    subject = "SPAM: tagged" if "tag" in record.order else None
    return Changes(remove=["x-test-first", "X-TEST-SECOND"], add=added, subject=subject)


def fields(record: Any) -> dict[str, object]:
    return {"queue_id": record.mail.queue_id, "sender": record.mail.mail_from, "size": record.mail.message.size}


def tasks(config: Config, redis_url: str) -> list[Task]:
    about = {"keeper": os.getpid(), "mark": config.settings.headers.id}

    def run() -> None:
        note({**about, "step": "begins"})
        time.sleep(float(os.environ["TAMIS_TASK_SECONDS"]))
        note({**about, "step": "ends"})

    return [Task("fake", 0.05, run)] if "TAMIS_TASK_SECONDS" in os.environ else []


def real() -> Core:
    core = real_core()
    return replace(core, decision=lambda record: {**core.decision(record), "pid": os.getpid()})


if __name__ == "__main__":
    path = Path(sys.argv[1])
    fake = Core(lambda _: None, FakeEngine, identify, fields, tasks)
    core = real() if "TAMIS_REAL" in os.environ else fake
    sys.exit(Supervisor(path, configuration.load(path), core).run())
