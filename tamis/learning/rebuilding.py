"""The second layer made anew of the journal, which is nobody's hurry.

The layer learns from errors, one message after the other, so nothing can be taken out of it, and what a lesson weighs
depends on the others. It is therefore always made of the whole journal, over the weights of the model: the messages
that the platform learns, with the weights that they have in the counts, in the order of their digests. That depends on
nothing but what is in the journal: removing rows leaves what would be there had they never been said, to the bit.

Errors of one class alone move what all mail has in common, and with little ham that makes spam of ham (measured in
docs/classifier-log.md). So nothing is learned here before there are `FEWEST` messages' worth of each class; spam weighs
no more than ham, in all; and the less ham there is, the less it weighs.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import date
from pathlib import Path
from typing import Final

import msgspec

from tamis.config import Config
from tamis.learning.building import for_platform, lessons_of
from tamis.learning.corrected import Made
from tamis.learning.journal import Entry, Journal
from tamis.learning.teaching import unpacked
from tamis.learning.weighing import UNITS, Rules
from tamis.model_source import model_path
from tamis.models.bayes import Model
from tamis.models.sparse import SparseWeights
from tamis.models.stream import Stream

FEWEST: Final = 50
"""Messages of the rarer class, by weight, below which the second layer stays that of the model."""
PASSES: Final = 3
_HALF_TRUSTED_HAM: Final = 100.0
"""Messages' worth of ham with which spam weighs half."""


class Job(msgspec.Struct, frozen=True):
    """What is to be made of what."""

    database_url: str
    model: str
    """Path of the model over which the layer lies."""
    folder: str
    """Where there is room for the features."""
    half_life_days: int
    reporter_day: float
    reporter_total: float
    recipients_teach_all: bool
    today: date

    @property
    def rules(self) -> Rules:
        return Rules(self.half_life_days, self.reporter_day, self.reporter_total)


class Disturbed(Exception):
    """What was to be learned was taken out of the journal meanwhile: to be done again."""


def job_of(config: Config, today: date) -> Job:
    """Return the job for a site, on a day: old words weigh less."""
    learning = config.settings.learning
    return Job(
        config.database_url,
        str(model_path(config)),
        str(config.state_directory),
        learning.half_life_days,
        learning.reporter_day,
        learning.reporter_total,
        learning.recipients_teach == "platform",
        today,
    )


def rebuild(job: Job, alive: Callable[[], None] = lambda: None) -> tuple[Made, SparseWeights]:
    """Make the layer. `alive` is called between messages, and may raise to end it.

    Memory is that of a model and of the journal's rows without features. Raises SQLAlchemyError, OSError, ValueError,
    or `Disturbed`.
    """
    start = Model.load(job.model)
    with Stream(Path(job.folder)) as stream, Journal(job.database_url).reading() as reading:
        entries = reading.entries() if reading else []
        weights = for_platform(reading, entries, job.today, job.rules, job.recipients_teach_all) if reading else {}
        learned = {entry.id: entry for entry in entries if entry.id in weights}
        factors = _factors([*learned.values()], weights)
        numbers: dict[int, int] = {}
        if reading and factors:
            for id, data in reading.features():
                alive()
                if id in learned:
                    numbers[id] = len(stream)
                    stream.add(unpacked(data), learned[id].spam)
            if len(numbers) < len(learned):
                raise Disturbed
        order = sorted(numbers, key=lambda id: (learned[id].digest, learned[id].spam))
        correction = start.correction.copy() if order else start.correction
        for done in range(PASSES):
            for id in order:
                alive()
                indices, spam = stream[numbers[id]]
                correction.learn(indices, spam, done, weights[id] / UNITS * factors[spam])
    spams = sum(learned[id].spam for id in order)
    made = Made(model=start.version, lessons=lessons_of(entries, weights), ham=len(order) - spams, spam=spams)
    return made, correction.moved_from(start.correction)


def _factors(learned: Collection[Entry], weights: Mapping[int, int]) -> dict[bool, float]:
    """Return what a message of each class is worth; nothing where there are too few of one."""
    ham, spam = (sum(weights[one.id] for one in learned if one.spam is label) / UNITS for label in (False, True))
    if min(ham, spam) < FEWEST:
        return {}
    return {False: 1.0, True: min(1.0, ham / spam) * ham / (ham + _HALF_TRUSTED_HAM)}
