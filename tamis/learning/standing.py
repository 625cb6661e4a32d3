"""Whether what serves is what was taught: the counts that the keeper made of the journal, and the second layer."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tamis.config import Config
from tamis.learning import corrected, published
from tamis.learning.building import for_platform, lessons_of
from tamis.learning.corrected import Made
from tamis.learning.journal import Journal
from tamis.learning.rebuilding import job_of
from tamis.model_source import model_path
from tamis.models.bayes import Model


@dataclass(frozen=True, slots=True)
class Standing:
    """What serves. Times are None where there is no file yet."""

    rows: int
    """What the journal holds of this version's features."""
    counts_at: datetime | None
    counts_stale: bool
    """Whether the platform's counts are of other lessons than the journal has."""
    layer_at: datetime | None
    layer_stale: bool
    """Whether the second layer was made of other lessons than the journal has, or over another model."""
    made: Made | None
    """What the second layer was made of."""


def standing(config: Config) -> Standing:
    """Look. Takes as long as the keeper takes to weigh the journal. Raises SQLAlchemyError, OSError or ValueError."""
    job = job_of(config, datetime.now(UTC).date())
    with Journal(job.database_url).reading() as reading:
        entries = reading.entries() if reading else []
        weights = for_platform(reading, entries, job.today, job.rules, job.recipients_teach_all) if reading else {}
    lessons = lessons_of(entries, weights)
    counts_at, served = _at(published.learned_path(config)), served_lessons(config)
    layer_at, made = _at(corrected.corrected_path(config)), layer_of(config)
    model = Model.digest_of(model_path(config))
    # Where nothing was ever taught there is nothing to be made.
    counts_stale = lessons != served and (served is not None or bool(weights))
    layer_stale = (made is None and bool(weights)) or (
        made is not None and (made.lessons, made.model) != (lessons, model)
    )
    return Standing(len(entries), counts_at, counts_stale, layer_at, layer_stale, made)


def is_stale(config: Config) -> bool:
    """Whether the second layer is of other lessons than the counts that serve, or lies over another model.

    Raises OSError or ValueError.
    """
    served, made = served_lessons(config), layer_of(config)
    if served is None:
        return False
    return made is None or made.lessons != served or made.model != Model.digest_of(model_path(config))


def served_lessons(config: Config) -> str | None:
    """Return the digest of what the counts that serve were made of; None where there are none."""
    try:
        with published.learned_path(config).open("rb") as file:
            return published.read(file).lessons
    except FileNotFoundError:
        return None


def layer_of(config: Config) -> Made | None:
    """Return what the second layer that serves was made of; None where there is none that can be read."""
    try:
        with corrected.corrected_path(config).open("rb") as file:
            return corrected.read(file).made
    except (FileNotFoundError, ValueError):
        return None


def _at(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return None
