"""Known spam images in the database: learned by people and from traps, taken back by people."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from tamis.images.answers import Look
from tamis.images.known import KnownImages, octets_digest
from tamis.images.known_writer import Row, build
from tamis.images.tables import IMAGE, State
from tamis.images.words import LEAST, runs, sketch
from tamis.list_store import ListStore

WHAT: Final = "images"
"""Under this name the version number of the table is kept."""
TRAPS: Final = "traps"
"""Who learned it, where nobody did."""
MESSAGES: Final = 3
"""Different messages to traps that make a proposed image known."""
_SAYS: Final = 80
_PROPOSED_DAYS: Final = 30
_FROM_TRAPS_DAYS: Final = 180


@dataclass(frozen=True, slots=True)
class Learned:
    """An image that was looked at, and its text."""

    data: bytes
    look: Look
    text: str

    @property
    def id(self) -> str:
        return self.look.pixels.hex()


class ImageStore:
    """Reading never makes the table; the first image learned does."""

    def __init__(self, url: str) -> None:
        self._lists = ListStore(url)

    def version(self) -> int:
        """Return a number that changes whenever the known images do; 0 where there never were any."""
        return self._lists.version(WHAT)

    def known(self) -> list[Row]:
        """Return what workers need of each known image."""
        with self._lists.read() as connection:
            if connection is None or not _has_table(connection):
                return []
            return _rows(connection, (State.KNOWN,))

    def images(self, state: State | None = None, limit: int = 50) -> Sequence[Any]:
        """Return rows of the table, those seen last first."""
        query = select(IMAGE).order_by(IMAGE.c.seen_at.desc(), IMAGE.c.id).limit(limit)
        if state is not None:
            query = query.where(IMAGE.c.state == state.value)
        with self._lists.read() as connection:
            if connection is None or not _has_table(connection):
                return []
            return connection.execute(query).all()

    def learn(self, images: Iterable[Learned], by: str, note: str = "") -> int:
        """Make images known, whatever was said of them before; return how many were not."""
        new = 0
        with self._lists.change(WHAT) as connection:
            for image in images:
                row = connection.execute(select(IMAGE.c.state).where(IMAGE.c.id == image.id)).first()
                if row is None:
                    _insert(connection, image, State.KNOWN, by, note)
                else:
                    changed = {"state": State.KNOWN.value, "changed_by": by, "note": note, "seen_at": _now()}
                    connection.execute(update(IMAGE).where(IMAGE.c.id == image.id).values(changed))
                new += row is None or row.state != State.KNOWN.value
        return new

    def learn_from_traps(self, messages: Iterable[Sequence[Learned]]) -> int:
        """Propose the images of messages that only traps got; what enough of them brought gets known.

        An image that looks like a proposed or known one counts as that one. Returns how many got known.
        """
        known = 0
        with self._lists.change(WHAT) as connection:
            # All of them, cleared ones too: what was taken back does not come again in another size.
            before, new = KnownImages(build(_rows(connection, tuple(State)))), list[Row]()
            for images in messages:
                counted: set[str] = set()
                for image in images:
                    like = _like(before, image) or _like(KnownImages(build(new)), image)
                    if like is None:
                        _insert(connection, image, State.PROPOSED, TRAPS, "")
                        new.append(row_of(image))
                    elif like not in counted:
                        known += _seen_again(connection, like)
                    counted.add(like or image.id)
        return known

    def set_state(self, prefix: str, state: State, by: str, note: str) -> list[str]:
        """Change what is said of the image with that id, or the first digits of it; return the ids that match."""
        with self._lists.read() as connection:
            if connection is None or not _has_table(connection):
                return []
            query = select(IMAGE.c.id).where(IMAGE.c.id.startswith(prefix, autoescape=True)).limit(2)
            found = list(connection.execute(query).scalars())
        if len(found) == 1:
            with self._lists.change(WHAT) as connection:
                changed = {"state": state.value, "changed_by": by, "note": note}
                connection.execute(update(IMAGE).where(IMAGE.c.id == found[0]).values(changed))
        return found

    def expire(self) -> None:
        """Forget what traps have not got for long: campaigns end."""
        now = _now()
        old = delete(IMAGE).where(
            IMAGE.c.learned_by == TRAPS,
            IMAGE.c.changed_by == TRAPS,
            ((IMAGE.c.state == State.PROPOSED.value) & (IMAGE.c.seen_at < now - timedelta(days=_PROPOSED_DAYS)))
            | (IMAGE.c.seen_at < now - timedelta(days=_FROM_TRAPS_DAYS)),
        )
        if self.version():
            with self._lists.change(WHAT) as connection:
                if not connection.execute(old).rowcount:
                    connection.rollback()


def _has_table(connection: Connection) -> bool:
    return connection.dialect.has_table(connection, IMAGE.name)


def _like(index: KnownImages, image: Learned) -> str | None:
    """Return the id of an image that looks like one, or says the same."""
    found = index.by_look(image.look) or index.by_text(image.text)
    return found.full if found else None


def _seen_again(connection: Connection, id: str) -> int:
    """Count one more message with an image; return 1 where that makes it known."""
    messages = connection.execute(select(IMAGE.c.messages).where(IMAGE.c.id == id)).scalar() or 0
    counted = update(IMAGE).where(IMAGE.c.id == id).values(messages=messages + 1, seen_at=_now())
    connection.execute(counted)
    if messages + 1 < MESSAGES:
        return 0
    proposed = update(IMAGE).where(IMAGE.c.id == id, IMAGE.c.state == State.PROPOSED.value)
    return connection.execute(proposed.values(state=State.KNOWN.value)).rowcount


def _insert(connection: Connection, image: Learned, state: State, by: str, note: str) -> None:
    row, now = row_of(image), _now()
    values = {
        "id": image.id,
        "octets": row.octets.hex(),
        "shape": row.shape.hex(),
        "sketch": row.sketch,
        "runs": row.runs,
        "width": image.look.width,
        "height": image.look.height,
        "says": " ".join("".join(letter if letter.isprintable() else " " for letter in image.text).split())[:_SAYS],
        "state": state.value,
        "messages": 1,
        "learned_by": by,
        "added_at": now,
        "seen_at": now,
        "changed_by": by,
        "note": note,
    }
    connection.execute(insert(IMAGE).values(values))


def row_of(image: Learned) -> Row:
    """Return what workers need of an image."""
    found = runs(image.text)
    kept = sketch(found)
    many = len(found) if len(found) >= LEAST else 0
    return Row(octets_digest(image.data), image.look.pixels, image.look.shape, many, kept.astype("<u4").tobytes())


def _rows(connection: Connection, states: tuple[State, ...]) -> list[Row]:
    table = IMAGE.c
    query = select(table.octets, table.id, table.shape, table.runs, table.sketch)
    query = query.where(table.state.in_([state.value for state in states]))
    return [
        Row(bytes.fromhex(row.octets), bytes.fromhex(row.id), bytes.fromhex(row.shape), row.runs, bytes(row.sketch))
        for row in connection.execute(query)
    ]


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
