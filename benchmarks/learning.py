"""What learning all the time costs: the journal, what is made of it, and the look-up of one message.

    .venv/bin/python -m benchmarks.learning [ROWS ...]

Messages are made up: 300 words of a vocabulary of 100,000, the frequent ones oftener, which is some 600 features each.
Half are ham; a tenth come from 50 mailboxes of five domains. Times are those of the processor, on one core.
Memory is the most that any rebuild so far took.
"""

import argparse
import random
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from tamis.config import parse
from tamis.learning import corrected
from tamis.learning.correction_task import CorrectionTask
from tamis.learning.journal import Journal
from tamis.learning.published import PLATFORM, learned_path, read
from tamis.learning.tasks import LearnedTask
from tamis.learning.teaching import Lesson, Reporter, Source, lesson
from tamis.models.bayes import Model
from tamis.models.features import Indices
from tamis.models.storage import SHIPPED_MODEL

_TOGETHER = 1000
_ASKED = 200


def made_up(chance: random.Random, number: int) -> Lesson:
    """One message."""
    words = " ".join(f"w{int(100_000 ** chance.random()):x}q" for _ in range(300))
    return lesson(f"From: a{number}@x{number % 97}.example\nSubject: {number}\n\n{words}\n".encode(), number % 2 == 0)


def main() -> None:
    parser = argparse.ArgumentParser(description="What learning all the time costs.")
    parser.add_argument("rows", nargs="*", type=int, default=[1_000, 5_000, 20_000, 40_000])
    columns: tuple[str, ...]
    columns = ("rows", "features", "written, a row", "database, a row", "counts made", "file", "second layer", "memory")
    columns += ("its file", "score", "with counts", "with both")
    table = Table(*columns)
    base = Model.load(SHIPPED_MODEL)
    for rows in parser.parse_args().rows:
        with tempfile.TemporaryDirectory() as folder:
            table.add_row(*measured(rows, Path(folder), base))
    Console(width=180).print(table)


def measured(rows: int, folder: Path, base: Model) -> list[str]:
    """The columns of one line."""
    config = parse(f'[daemon]\nstate_directory = "{folder}"\n', "tamis.toml")
    journal, chance = Journal(config.database_url), random.Random(rows)
    root, features, writing = Reporter("root", Source.ADMINISTRATOR), 0, 0.0
    for start in range(0, rows, _TOGETHER):
        lessons = [made_up(chance, number) for number in range(start, min(start + _TOGETHER, rows))]
        features += sum(len(one.features) for one in lessons)
        began = time.process_time()
        tenth = len(lessons) // 10
        user = start // _TOGETHER % 50
        domain = f"d{user % 5}.example"
        journal.learn(Reporter(f"u{user}@{domain}", Source.RECIPIENT, domain), lessons[:tenth])
        journal.learn(root, lessons[tenth:])
        writing += time.process_time() - began
    began = time.process_time()
    LearnedTask(config, journal).run()
    making = time.process_time() - began
    with learned_path(config).open("rb") as file:
        learned = read(file)
    taught = base.taught(learned.vectors[PLATFORM], "", learned.vectors)
    began, task = spent_by_children(), CorrectionTask(config)
    task.run()
    while task.running:
        time.sleep(0.1)
        task.run()
    rebuilding = spent_by_children() - began
    with corrected.corrected_path(config).open("rb") as file:
        both = taught.corrected(corrected.read(file).moved, "", stale=False)
    asked = [made_up(chance, number).features for number in range(_ASKED)]
    size = sum(path.stat().st_size for path in folder.glob("tamis.db*"))
    return [
        f"{rows:,}",
        f"{features / rows:.0f}",
        f"{1000 * writing / rows:.2f} ms",
        f"{size / rows / 1000:.1f} KB",
        f"{making:.2f} s",
        f"{learned_path(config).stat().st_size / 1e6:.1f} MB",
        f"{rebuilding:.2f} s",
        f"{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MiB",
        f"{corrected.corrected_path(config).stat().st_size / 1e6:.1f} MB",
        f"{1e6 * median(base, asked):.0f} us",
        f"{1e6 * median(taught, asked):.0f} us",
        f"{1e6 * median(both, asked):.0f} us",
    ]


def spent_by_children() -> float:
    """Seconds of processor time that processes which have ended took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def median(model: Model, asked: list[Indices]) -> float:
    """Seconds to score one message."""
    times = []
    for indices in asked:
        began = time.perf_counter()
        model.score(indices)
        times.append(time.perf_counter() - began)
    return float(np.median(times))


if __name__ == "__main__":
    main()
