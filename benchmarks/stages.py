"""Where the microseconds of a message go: `python -m benchmarks.stages`.

Real mail (TAMIS_CORPORA) goes through the engine in this process, one message at a time, with a Redis and a name server
of their own, and a timer of CPU time looks every millisecond at what is running. What a stage is, the file says whose
code runs, innermost first: HTML parsed because rules ask for the text counts as HTML. OCR, which another program does,
is off. `--network` asks the DNS and greylisting as well. What was learned of senders and chosen by policies is in
memory, as in a worker (and nothing was); a look into the database, as commands take, would cost 0.35 ms.
"""

import argparse
import contextlib
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Final

from benchmarks.milter_client import Letter
from benchmarks.network_rows import letters, lists, name_server
from tamis import config as configuration
from tamis import decision_log
from tamis.engine import Engine, preload
from tamis.mail import Mail, MailClass, new_id, parse_ip
from tamis.message import Message
from tamis.policy_texts import NO_TEXTS, PolicyTexts
from tamis.sender_weights import Weight
from tamis.sources import Sources
from tamis.weights import Weights

STAGES: Final = {
    "parse: header, MIME, charsets": ("mime.py", "charset.py", "message.py", "addresses.py", "mail.py"),
    "HTML to text": ("html_page.py", "looks.py", "css.py"),
    "links and URLs": ("links.py", "hosts.py", "domains.py", "private_space.py", "filters/surbl.py"),
    "rules (keywords, logic)": ("/rules/", "filters/keywords.py", "filters/regex_logic.py"),
    "named tests": ("/traits/",),
    "classifier: features, scoring": ("/models/", "filters/bayes.py"),
    "phishing signs": ("/phishing/",),
    "files": ("/attachments/", "filters/attachment_hashes.py", "filters/hypercube.py"),
    "images": ("/images/", "filters/ocr.py"),
    "Redis": ("redis_client.py", "counters.py", "greylist.py", "answers.py", "shared.py", "ham_counts.py"),
    "DNS": ("/dns/", "ahead.py"),
    "SPF": ("spf.py", "spf_query.py"),
    "DKIM, ARC, DMARC": ("/authentication/",),
    "lists and weights": ("snapshot.py", "lists.py", "list_", "weight"),
    "scripts, checksum": ("scripts.py", "content_digest.py"),
    "header writing": ("tamis/headers.py", "disposition.py"),
    "log": ("decision_log.py", "log.py"),
    "other filters": ("/filters/",),
    "walk through the order": (
        "examination.py",
        "policy.py",
        "engine.py",
        "consequences.py",
        "record.py",
        "contract.py",
    ),
}


def stage_of(frame: FrameType | None) -> str:
    """Return the stage whose code runs, innermost first."""
    while frame is not None:
        name = frame.f_code.co_filename
        if "/tamis/" in name or "/filters/" in name or "/models/" in name:
            for stage, files in STAGES.items():
                if any(file in name for file in files):
                    return stage
        frame = frame.f_back
    return "else"


class Sampler:
    """Counts what runs, by CPU time of this process."""

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()

    def _look(self, _: int, frame: FrameType | None) -> None:
        self.found[stage_of(frame)] += 1

    def __enter__(self) -> "Sampler":
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)


class NothingLearned:
    """The weights of senders where nobody has any."""

    half_life_days = 90.0

    def __init__(self) -> None:
        self._new = True

    def fresh(self) -> Weights | None:
        new, self._new = self._new, False
        return self if new else None

    def find(self, domain: str, sender: str) -> Weight | None:
        return None

    def complained_of(self, organisation: str, since: datetime) -> bool:
        return False


class NothingChosen:
    """The policies where nobody has chosen any, as a worker has them: in memory."""

    def __init__(self) -> None:
        self._new = True

    def fresh(self) -> PolicyTexts | None:
        new, self._new = self._new, False
        return NO_TEXTS if new else None


def raw(letter: Letter) -> bytes:
    head = b"".join(name + b":" + value.replace(b"\n", b"\r\n") + b"\r\n" for name, value in letter.header)
    return head + b"\r\n" + letter.body


def examine(engine: Engine, letter: Letter, octets: bytes, network: bool) -> None:
    """Do with a message what a worker does."""
    mail = Mail(
        message=Message(octets),
        peer=parse_ip(letter.peer),
        rdns=letter.rdns,
        helo=letter.helo,
        sender=letter.sender,
        recipients=[letter.recipient],
        mail_class=MailClass.INBOUND,
        queue_id="1",
        id=new_id(),
    )
    if network:
        engine.refusal(mail, letter.recipient)
    record = engine.examine(mail)
    engine.dispose(record)
    decision_log.fields(record)


def measure(title: str, engine: Engine, mail: list[Letter], network: bool) -> None:
    octets = [raw(one) for one in mail]
    began = time.process_time()
    with Sampler() as sampler:
        for one, each in zip(mail, octets, strict=True):
            examine(engine, one, each, network)
    spent = 1e6 * (time.process_time() - began) / len(mail)
    total = sum(sampler.found.values())
    print(f"\n{title}: {spent:.0f} µs of CPU a message, load {os.getloadavg()[0]:.1f}\n")
    print("| stage | µs | share |\n|---|---|---|")
    for stage, count in sampler.found.most_common():
        print(f"| {stage} | {spent * count / total:.0f} | {100 * count / total:.1f} % |")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stages", description=__doc__)
    parser.add_argument("-n", "--number", type=int, default=1000, help="messages (default: 1000)")
    parser.add_argument("--network", action="store_true", help="with DNS and greylisting")
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    mail = letters(Path(os.environ["TAMIS_CORPORA"]), args.number + 20)
    folder = Path(tempfile.mkdtemp(prefix="tamis-"))
    socket = folder / "redis.sock"
    server = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(folder)]
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        redis = stack.enter_context(subprocess.Popen(server, stdout=subprocess.DEVNULL))
        stack.callback(redis.terminate)
        port = stack.enter_context(name_server(0.0)) if args.network else 1
        path = folder / "tamis.toml"
        path.write_text(
            f'[daemon]\nstate_directory = "{folder}"\nruntime_directory = "{folder}"\n'
            f'[dns]\nservers = ["127.0.0.1:{port}"]\n[policy]\nmode = "tag"\n[policy.filters]\nocr.enabled = false\n'
            f"cyrillic.enabled = true\nsinograms.enabled = true\n"
            f"greylisting.enabled = {str(args.network).lower()}\n{lists() if args.network else ''}"
        )
        config = configuration.load(path)
        preload(config)
        while not socket.exists():
            time.sleep(0.05)
        sources = replace(Sources.themselves(config), weights=NothingLearned(), policies=NothingChosen())
        engine = Engine(config, f"unix://{socket}", sources, args.network, answers_at_once=100)
        engine.refresh()
        for one in mail[:20]:
            examine(engine, one, raw(one), args.network)
        measure("Never seen", engine, mail[20:], args.network)
        measure("Seen before", engine, mail[20:], args.network)
        engine.close()


if __name__ == "__main__":
    main()
