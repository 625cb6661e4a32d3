"""Tamis beside rspamd and SpamAssassin, and bogofilter: ``python -m benchmarks.peers --help``.

All run on this machine, at the same time, each asked in turn with the same mail; the client's time and the name
server's are nobody's. In a setting each round sends every product the same messages, which differ by their bodies from
all that it has seen (*cold*), then the same ones again (*warm*). Each sender is the message's author, each peer what
the message's own trace says. Numbers are medians of the rounds, with the least and the largest; ratios are taken in
each round by itself. bogofilter speaks no milter: its own program reads the messages, one process for all.
"""

import argparse
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks.milter_client import Letter
from benchmarks.network_rows import letters, name_server
from benchmarks.peers.charts import write_chart
from benchmarks.peers.load import Figures, of_size, run, unique
from benchmarks.peers.products import Product, Tamis, installed
from tamis.postfix.instance import PrivatePostfix

_PACKAGES: Final = ("rspamd", "spamd", "spamass-milter", "bogofilter")
_SLOW: Final = "SpamAssassin"
_SLOW_SHARE: Final = 10
"""It is sent a tenth of the mail: it would take most of the time otherwise."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How mail is sent. `size` in octets, 0 for real mail; `burst`: that many connections in the same moment."""

    title: str
    clients: int = 8
    size: int = 0
    burst: bool = False
    postfix: bool = False
    again: bool = True


@dataclass(frozen=True, slots=True)
class World:
    """How the products are started."""

    title: str
    network: bool
    hold: bool
    settings: Sequence[Setting]


_EIGHT: Final = Setting("8 at once")
_ALL: Final = (
    Setting("1 at once", clients=1),
    _EIGHT,
    Setting("64 at once", clients=64),
    Setting("bursts of 50", clients=50, burst=True, again=False),
    *(Setting(f"8 at once, {size} KB", size=1000 * size, again=False) for size in (2, 10, 50, 500)),
    Setting("8 at once, through Postfix", postfix=True, again=False),
)
_QUICK: Final = (Setting("1 at once", clients=1, again=False), _EIGHT, Setting("64 at once", clients=64, again=False))
WORLDS: Final = (
    World("network on", True, False, _ALL),
    World("network off", False, False, _ALL),
    World("network on, spam held", True, True, (_EIGHT, Setting("8 at once, through Postfix", postfix=True))),
)
QUICK: Final = (World("network on", True, False, _QUICK), World("network off", False, False, _QUICK[1:2]))

Table = dict[tuple[str, str], dict[str, Figures]]


class Comparison:
    """Settings measured one after the other."""

    def __init__(self, mail: Sequence[Letter], number: int, rounds: int, only: Sequence[str]) -> None:
        self._mail = mail
        self._number = number
        self._rounds = rounds
        self._only = only
        self._sent = 0
        self.table: Table = defaultdict(lambda: defaultdict(Figures))

    def measure(self, world: World) -> None:
        """Start all products and measure every setting."""
        with contextlib.ExitStack() as stack:
            port = stack.enter_context(name_server(0.0)) if world.network else None
            products = [stack.enter_context(kind(port, world.hold)) for kind in installed() if self._wanted(kind)]
            for product in products:
                print(f"\n{product.name}, {world.title}:\n{product.configuration}")
            self._warm_up(products)
            for setting in world.settings:
                with contextlib.ExitStack() as inner:
                    postfixes = {
                        product.name: inner.enter_context(_postfix(product)) if setting.postfix else None
                        for product in products
                    }
                    for number in range(self._rounds):
                        order = products[number % len(products) :] + products[: number % len(products)]
                        self._round(world, setting, order, postfixes)
                print(_lines(f"{world.title}, {setting.title}", self.table, products[0].name))
                sys.stdout.flush()

    def _wanted(self, kind: type[Product]) -> bool:
        return kind is Tamis or not self._only or kind.name in self._only

    def _warm_up(self, products: Sequence[Product]) -> None:
        for product in products:
            run(product, unique(self._mail[:20], "first"), 4, Figures(), None)

    def _round(
        self,
        world: World,
        setting: Setting,
        products: Sequence[Product],
        postfixes: dict[str, PrivatePostfix | None],
    ) -> None:
        number = 50 if setting.burst else max(20, self._number // (10 if setting.size >= 50_000 else 1))
        start = self._sent % max(1, len(self._mail) - number)
        self._sent += number
        chosen = list(self._mail[start : start + number])
        if setting.size:
            chosen = of_size(chosen, setting.size)
        fresh = unique(chosen, f"{world.title} {setting.title} {self._sent}".replace(" ", "-"))
        for product in products:
            mine = fresh[: max(10, number // _SLOW_SHARE)] if product.name == _SLOW and not setting.burst else fresh
            for title in (setting.title, *([f"{setting.title}, again"] if setting.again else [])):
                into = self.table[world.title, title][product.name]
                run(product, mine, setting.clients, into, postfixes[product.name])


def _postfix(product: Product) -> PrivatePostfix:
    return PrivatePostfix(
        f"inet:127.0.0.1:{product.port}",
        domains=("example.net",),
        routes={"example.net": "discard:"},
        settings={"local_header_rewrite_clients": "", "smtpd_client_connection_count_limit": "0"},
    )


def spread(numbers: Sequence[float], form: str) -> str:
    """The median of some numbers, with the least and the largest."""
    low, middle, high = min(numbers), statistics.median(numbers), max(numbers)
    return f"{middle:{form}} ({low:{form}}-{high:{form}})"


def _lines(begins: str, table: Table, ours: str) -> str:
    """The rows of the settings whose title begins so."""
    lines = []
    for (world, setting), figures in table.items():
        if not f"{world}, {setting}".startswith(begins) or not figures:
            continue
        for name, one in figures.items():
            waits = " / ".join(f"{one.percentile(share):.0f}" for share in (0.5, 0.95, 0.99))
            more = ""
            if name != ours:
                more = (
                    f" | {spread([a / b for a, b in zip(figures[ours].rates, one.rates, strict=True)], '.2f')}"
                    f" | {spread([b / max(a, 0.01) for a, b in zip(figures[ours].cpu, one.cpu, strict=True)], '.2f')}"
                )
            lines.append(
                f"| {world} | {setting} | {name} | {spread(one.rates, '.0f')} | {spread(one.cpu, '.2f')} | {waits} "
                f"| {one.memory:.0f}{more or ' | |'} | {_answers(one)} |"
            )
    return "\n".join(lines)


def _answers(figures: Figures) -> str:
    return ", ".join(f"{answer} {number}" for answer, number in figures.answers.most_common(4))


HEAD: Final = (
    "| world | setting | product | messages/s | CPU ms each | p50 / p95 / p99 ms | MiB | Tamis' messages/s over its "
    "| its CPU over Tamis' | answers |\n|---|---|---|---|---|---|---|---|---|---|"
)


def bogofilter(mail: Sequence[Letter]) -> str:
    """What bogofilter takes for a message, from files, after learning some of each kind: no milter, no network."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for number, one in enumerate(mail):
            head = b"".join(name + b":" + value + b"\n" for name, value in one.header)
            (folder / f"{number}.eml").write_bytes(head + b"\n" + one.body.replace(b"\r\n", b"\n"))
        names = sorted(map(str, folder.glob("*.eml")))
        for number, option in enumerate(("-n", "-s")):
            learned = "\n".join(names[number : len(names) // 2 : 2])
            subprocess.run(["bogofilter", "-d", place, option, "-b"], input=learned.encode(), check=True)
        before = os.times()
        subprocess.run(
            ["bogofilter", "-d", place, "-b", "-v"], input="\n".join(names).encode(), stdout=subprocess.DEVNULL
        )
        after = os.times()
        wall = after.elapsed - before.elapsed
        used = after.children_user + after.children_system - before.children_user - before.children_system
    each = 1000 * used / len(names)
    return f"bogofilter, one process for all files: {len(names) / wall:.0f} messages/s, CPU {each:.2f} ms each"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few settings: some minutes")
    parser.add_argument("--install", action="store_true", help="install the peers from Debian first, as root")
    parser.add_argument("-n", "--number", type=int, help="messages in each round (default: 400; quick 150)")
    parser.add_argument("--rounds", type=int, help="rounds of each setting (default: 5; quick 3)")
    parser.add_argument("--like", default="", help="only settings with this in their title")
    parser.add_argument("--only", nargs="*", default=[], help="peers to compare with (default: all installed)")
    parser.add_argument("--charts", type=Path, help="folder to write SVG charts to")
    args = parser.parse_args()
    # What was started is ended, whoever ends this.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if args.install:
        script = Path(__file__).parents[2] / "scripts" / "install-packages.sh"
        subprocess.run(["bash", str(script), *_PACKAGES], check=True)
    if "TAMIS_CORPORA" not in os.environ:
        raise SystemExit("TAMIS_CORPORA has to name the folder of the corpora")
    number = args.number or (150 if args.quick else 400)
    mail = letters(Path(os.environ["TAMIS_CORPORA"]), max(2000, number))
    comparison = Comparison(mail, number, args.rounds or (3 if args.quick else 5), args.only)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", HEAD, sep="\n")
    for world in QUICK if args.quick else WORLDS:
        chosen = [setting for setting in world.settings if args.like in f"{world.title}, {setting.title}"]
        if chosen:
            comparison.measure(replace(world, settings=chosen))
    print(f"\nload {os.getloadavg()[0]:.1f}", HEAD, _lines("", comparison.table, Tamis.name), sep="\n")
    with contextlib.suppress(FileNotFoundError):
        print(bogofilter(mail[:400]))
    if args.charts:
        for name, title, better in (
            ("rates", "Messages a second", "more is better"),
            ("cpu", "CPU per message, ms", "less is better"),
        ):
            write_chart(args.charts / f"peers-{name}.svg", f"{title} ({better})", _bars(comparison.table, name))


def _bars(table: Table, name: str) -> dict[str, dict[str, float]]:
    return {
        f"{world}: {setting}": {
            product: statistics.median(getattr(figures, name)) for product, figures in by_product.items()
        }
        for (world, setting), by_product in table.items()
    }


if __name__ == "__main__":
    main()
