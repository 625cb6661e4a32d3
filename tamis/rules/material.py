"""What rules are proposed from: held mail that traps got and people flagged, and what the classifier knows from ham."""

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime

from tamis.config import Config
from tamis.list_store import ListStore
from tamis.lists import ListName
from tamis.message import Message
from tamis.quarantine.flagged import flagged
from tamis.quarantine.store import Store


def flagged_held(config: Config, store: Store, since: datetime, most: int) -> Iterator[Message]:
    """Yield messages of the quarantine since then that traps got and people flagged, the newest first, at most `most`.

    Raises `sqlalchemy.exc.SQLAlchemyError` or OSError.
    """
    now = datetime.now(UTC)
    stored = ListStore(config.database_url).stored(ListName.FLAGGED)
    values = {one.entry.value for one in stored if one.entry.expires is None or one.entry.expires > now}
    with store.reading() as connection:
        if connection is not None:
            moment = since.astimezone(UTC).replace(tzinfo=None)
            yield from flagged(connection, store.spool, moment, values, most)


def known_as_ham(config: Config) -> Callable[[Collection[str]], set[str]]:
    """Return what asks the model which phrases may have been in ham: those of which every pair of words was."""
    from tamis.model_source import model_in_force
    from tamis.models.features import word_pairs

    model = model_in_force(config)

    def known(phrases: Collection[str]) -> set[str]:
        return {phrase for phrase in phrases if model.all_in_ham(word_pairs(phrase))}

    return known
