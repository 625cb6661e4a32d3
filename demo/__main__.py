"""Send sample messages through a private Postfix and Tamis, show what arrived, and leave nothing behind."""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import track

from demo import held, report, samples
from demo.interruption import Interruption
from demo.outcome import Outcome, closing_line, match
from demo.samples import BadFolder, Sample
from tamis.postfix.client import SmtpReply
from tamis.postfix.instance import PostfixUnavailable, PrivatePostfix, require_postfix
from tamis.postfix.ports import free_ports
from tamis.postfix.served import DaemonFailed, RunningTamis

_SETTINGS = Path(__file__).parent / "tamis.toml"
_IN_DETAIL = ("blacklisted-sender.eml", "whitelisted-ip.eml")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo: 0 when every message is accounted for, 1 when not, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--mail", metavar="DIR", type=Path, help="send the .eml files of this folder instead")
    parser.add_argument("--keep", action="store_true", help="leave Postfix and Tamis running")
    args = parser.parse_args(arguments)
    interruption = Interruption()
    try:
        require_postfix()
        with interruption.welcome():
            chosen, unreadable = samples.of_folder(args.mail) if args.mail else (samples.written_for_the_demo(), [])
        return run(chosen, unreadable, args.keep, interruption)
    except BadFolder as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    except (PostfixUnavailable, DaemonFailed) as error:
        # A signal may have hit what was being started, too.
        with interruption.welcome():
            print(f"demo: {error}", file=sys.stderr)
        return 1


def run(chosen: Sequence[Sample], unreadable: Sequence[str], keep: bool, interruption: Interruption) -> int:
    """Start everything, send, show, stop."""
    console = report.console()
    with ExitStack() as running:
        started = time.monotonic()
        tamis, private = site()
        running.enter_context(tamis)
        postfix = running.enter_context(private)
        with interruption.welcome():
            console.print(
                f"Started in {time.monotonic() - started:.1f} s, on loopback: Postfix (port {postfix.smtp_port}), "
                f"Tamis ({postfix.milters}), its private Redis."
            )
            outcomes = send(postfix, tamis, chosen)
            show(console, outcomes)
        # The commands are programs of their own: they end first.
        identical = show_held(console, postfix, tamis, outcomes)
        if keep:
            keep_running(console, postfix, tamis)
            running.pop_all()
    with interruption.welcome():
        if unreadable:
            console.print(report.shown(f"{len(unreadable)} unreadable, not sent: {', '.join(unreadable)}"))
        console.print(closing_line(outcomes), soft_wrap=True)
    return 0 if identical and all(outcome.accounted_for for outcome in outcomes) else 1


def site() -> tuple[RunningTamis, PrivatePostfix]:
    """Return Tamis and a Postfix that know each other's ports, neither started yet."""
    (port,) = free_ports(1)
    # static: accepts every domain, since a folder of somebody's mail is for somebody's domains.
    postfix = PrivatePostfix(f"inet:127.0.0.1:{port}", domains=["static:accepted"])
    delivery = (
        f'[delivery]\nserver = "127.0.0.1:{postfix.own_port}"\nmailbox_server = "127.0.0.1:{postfix.mailbox_port}"\n'
    )
    return RunningTamis(f"{delivery}\n{_SETTINGS.read_text('utf-8')}", listen=f"inet:{port}@127.0.0.1"), postfix


def send(postfix: PrivatePostfix, tamis: RunningTamis, chosen: Sequence[Sample]) -> list[Outcome]:
    """Send every message and wait for the copies to arrive, or to be held."""
    sent: list[tuple[Sample, SmtpReply]] = []
    for sample in track(chosen, "Sending", disable=not sys.stdout.isatty(), transient=True):
        reply = postfix.send(
            sample.message,
            sample.sender,
            sample.recipients,
            peer=sample.peer,
            name=sample.name or None,
            helo=sample.helo,
            login=sample.login or None,
        )
        sent.append((sample, reply))
    deadline = time.monotonic() + 30.0 + 0.1 * len(sent)
    while True:
        postfix.wait_queue_empty(max(1.0, deadline - time.monotonic()))
        outcomes = match(sent, postfix.delivered.all(), held.held(tamis))
        # Copies for recipients who differ are on their way for a moment.
        if time.monotonic() >= deadline or all(outcome.kind != "lost" for outcome in outcomes):
            return outcomes
        time.sleep(0.2)


def show(console: Console, outcomes: Sequence[Outcome]) -> None:
    """Print the table and two messages in detail."""
    console.print(report.table(outcomes))
    detailed = [outcome for outcome in outcomes if outcome.sample.file in _IN_DETAIL] or list(outcomes)
    for outcome in [one for one in detailed if one.arrived][:2]:
        console.print(report.shown(f"All headers of “{outcome.sample.shows}”:"), style="bold")
        console.print(report.headers(outcome))
        console.print()


def show_held(console: Console, postfix: PrivatePostfix, tamis: RunningTamis, outcomes: Sequence[Outcome]) -> bool:
    """Show what is held, and one release; return whether what was sent arrived as it was."""
    released = held.released(tamis, postfix, outcomes)
    if released is None:
        return True
    said, identical = released
    console.print("What is held, and one message let out:", style="bold")
    console.print(report.shown(said.rstrip()))
    console.print("It arrived, every octet as it was sent." if identical else "It did NOT arrive as it was sent.")
    console.print(report.shown(held.command(tamis, "list", "--limit", "10").rstrip()))
    console.print()
    return identical


def keep_running(console: Console, postfix: PrivatePostfix, tamis: RunningTamis) -> None:
    """Say how to reach what is left running, and write the script that stops it."""
    assert tamis.process is not None
    stop = postfix.folder / "stop"
    stop.write_text(
        f"#!/bin/sh\n# Stops the demo and removes what it made.\n/usr/sbin/postfix -c {postfix.config} stop\n"
        f"kill {tamis.process.pid}\nwhile kill -0 {tamis.process.pid} 2>/dev/null; do sleep 0.2; done\n"
        f"rm -rf {tamis.folder} {postfix.folder}\n"
    )
    stop.chmod(0o755)
    lines = (
        "Left running:",
        f"  SMTP from strangers  127.0.0.1:{postfix.smtp_port} (XCLIENT tells who you are)",
        f"  SMTP after login     127.0.0.1:{postfix.submission_port} (XCLIENT LOGIN=)",
        f"  what arrives         {postfix.folder / 'mail' / 'all' / 'new'}",
        f"  configuration        {tamis.config} (kill -HUP {tamis.process.pid} reads it again)",
        f"  logs                 {tamis.folder / 'log'} and {postfix.folder / 'mail.log'}",
        f"  stop it with         scripts/as-root.sh {stop}",
    )
    console.print("\n".join(lines), soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
