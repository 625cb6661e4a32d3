"""What a stranger's lessons do to both layers: a site whose mail the model has never seen teaches some, and is scored.

    TAMIS_CORPORA=/path/to/corpora python -m benchmarks.lessons [GROUP ...] [--taught HAM:SPAM ...]

The model is made of all groups but the site's, as the shipped one is. The first messages of each class, by a shuffle
that is always the same (in their order for trec07p), are taught by an administrator; of the others the first 1,500 of
each class are scored. Journal, counts and rebuild are those of the product. *Untaught* is the model of the others,
*counts* has the lessons in its first layer, *both* in the second one too. The first two are also printed with the first
layer alone; that of *both* is that of *counts*.
"""

import argparse
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.classifier import CORPORA, GROUPS, TREC, Known, Mail, group_of, stranger
from tamis.config import Config, parse
from tamis.learning import corrected
from tamis.learning.journal import Journal
from tamis.learning.rebuilding import job_of, rebuild
from tamis.learning.tasks import LearnedTask
from tamis.learning.teaching import Lesson, Reporter, Source
from tamis.model_source import model_in_force
from tamis.models.bayes import Model
from tamis.models.evaluation import Scored, measure_scored, scored
from tamis.models.features import Indices, body_only
from tamis.models.stream import Stream

WITH_HEADERS = (TREC, "spamassassin")
"""Corpora whose headers do not give the label away."""
SCORED = 1500


def features_of(mail: Mail, one: Known) -> tuple[Indices, bool]:
    """What is taught and scored of a message."""
    indices, spam = mail.stream[one.number]
    return indices if one.source in WITH_HEADERS else body_only(indices), spam


def classes(mail: Mail, group: tuple[str, ...]) -> dict[bool, list[Known]]:
    """The messages of a group, each text once, ham and spam apart."""
    messages = [one for one in mail.unique() if one.source in group]
    if group != (TREC,):
        messages = [messages[place] for place in np.random.default_rng(1).permutation(len(messages))]
    return {label: [one for one in messages if mail.stream[one.number][1] is label] for label in (False, True)}


def teach(config: Config, mail: Mail, taught: list[Known]) -> None:
    """Write the lessons, and what the keeper makes of them."""
    lessons = [Lesson(one.digest.hex(), spam, indices) for one in taught for indices, spam in [features_of(mail, one)]]
    journal = Journal(config.database_url)
    journal.learn(Reporter("root", Source.ADMINISTRATOR), lessons)
    LearnedTask(config, journal).run()


def line(title: str, found: list[Scored], *, counts: bool = False) -> str:
    """One line of measures, of both layers or of the first one alone (`counts`)."""
    one = measure_scored(found, counts=counts)
    title += ", first layer alone" if counts else ""
    return (
        f"{title:64s} 1-ROCA {100 * one.one_minus_roc_area:.3f} %, spam missed at 0.1 % ham "
        f"{100 * one.spam_missed_at[0.001]:.1f} %, at 7.5: ham {100 * one.ham_misfiled:.3f} %, "
        f"spam missed {100 * one.spam_missed:.1f} %"
    )


def measured(mail: Mail, group: tuple[str, ...], base: Model, ham: int, spam: int, folder: Path) -> None:
    """Print what so many lessons do."""
    config = parse(f'[daemon]\nstate_directory = "{folder}"\n', "tamis.toml")
    base.save(config.site_model)
    by_class, numbers = classes(mail, group), {False: ham, True: spam}
    asked = [one for label, messages in by_class.items() for one in messages[numbers[label] :][:SCORED]]
    teach(config, mail, [one for label, messages in by_class.items() for one in messages[: numbers[label]]])
    name = f"{' + '.join(group)}, {ham}:{spam}"
    for title in ("untaught", "counts", "both"):
        if title == "both":
            corrected.write(corrected.corrected_path(config), *rebuild(job_of(config, datetime.now(UTC).date())))
        model = base if title == "untaught" else model_in_force(config)
        found = [scored(model, *features_of(mail, one), one.name) for one in asked]
        print(line(f"{name} {title}", found), flush=True)
        if title != "both":
            print(line(f"{name} {title}", found, counts=True), flush=True)


def main() -> int:
    """Measure the groups that are named; all where none is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("group", nargs="*", type=group_of, help="the first corpus of a group")
    parser.add_argument("--taught", nargs="+", default=["50:50", "50:300", "300:50", "300:300"])
    args = parser.parse_args()
    with Stream() as stream:
        mail = Mail(stream, Path(os.environ["TAMIS_CORPORA"]), CORPORA)
        for group in args.group or GROUPS:
            base = stranger(mail, group)
            for taught in args.taught:
                ham, _, spam = taught.partition(":")
                with tempfile.TemporaryDirectory() as folder:
                    measured(mail, group, base, int(ham), int(spam), Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
