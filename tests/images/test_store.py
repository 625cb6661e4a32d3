"""Known images in the database, and the file that workers map."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from tamis.database import open_database
from tamis.images.answers import Look
from tamis.images.known import KnownImages, KnownImagesError, octets_digest, open_known
from tamis.images.known_writer import build
from tamis.images.shape import pixels, shape
from tamis.images.sources import DatabaseImages, MappedImages
from tamis.images.store import MESSAGES, TRAPS, ImageStore, Learned
from tamis.images.tables import IMAGE, State
from tamis.publish import publish
from tests.images.drawn import FRENCH, MINUTES, PILLS, drawn, saved, speckled


def learned(lines: tuple[str, ...] = PILLS, dots: int = 0) -> Learned:
    """An image with lines of text, as it is learned; with dots, another one that looks the same."""
    image = speckled(drawn(lines), seed=dots) if dots else drawn(lines)
    return Learned(saved(image), Look(480, 240, 1, pixels(image), shape(image), ()), "\n".join(lines))


@pytest.fixture
def store(database_url: str) -> ImageStore:
    return ImageStore(database_url)


def known(store: ImageStore) -> KnownImages:
    return KnownImages(build(store.known(), store.version()))


def test_nothing_is_made_by_reading(store: ImageStore) -> None:
    assert (store.version(), store.known(), list(store.images())) == (0, [], [])
    assert store.set_state("ab", State.CLEARED, "ann", "") == []
    store.expire()


def test_a_person_teaches_and_takes_back(store: ImageStore) -> None:
    image = learned()
    assert store.learn([image], "ann", "a note") == 1
    assert store.learn([image], "bob") == 0
    assert store.version() == 2
    found = known(store).by_octets(octets_digest(image.data))
    assert found is not None
    assert found.full == image.id
    (row,) = store.images()
    assert (row.state, row.learned_by, row.changed_by, row.says[:17]) == ("known", "ann", "bob", "Canadian pharmacy")
    assert store.set_state(image.id[:8], State.CLEARED, "eve", "a logo") == [image.id]
    assert len(known(store)) == 0
    assert [row.note for row in store.images(State.CLEARED)] == ["a logo"]
    assert store.learn([image], "ann") == 1
    assert len(known(store)) == 1


def test_traps_propose_and_enough_of_them_decide(store: ImageStore) -> None:
    for number in range(1, MESSAGES):
        assert store.learn_from_traps([[learned(dots=number), learned(MINUTES)]]) == 0
    assert len(known(store)) == 0
    assert store.learn_from_traps([[learned(dots=MESSAGES)]]) == 1
    assert known(store).by_look(learned(dots=99).look) is not None
    states = {row.state: row.messages for row in store.images()}
    assert states == {"known": MESSAGES, "proposed": MESSAGES - 1}


def test_the_same_image_twice_in_a_message_is_one(store: ImageStore) -> None:
    store.learn_from_traps([[learned(dots=number) for number in range(1, 6)]])
    assert [row.messages for row in store.images()] == [1]


def test_what_says_the_same_counts_as_the_same(store: ImageStore) -> None:
    other = learned()
    for lines in (PILLS, (*PILLS[::-1], "www.other.example"), (*PILLS[2:], *PILLS[:2])):
        look = learned(lines).look
        store.learn_from_traps([[Learned(other.data, look, "\n".join(lines))]])
    assert [row.state for row in store.images()] == ["known"]


def test_traps_do_not_bring_back_what_a_person_took_back(store: ImageStore) -> None:
    store.learn([learned()], "ann")
    store.set_state(learned().id, State.CLEARED, "ann", "")
    for number in range(1, 8):
        store.learn_from_traps([[learned(dots=number)]])
    assert len(known(store)) == 0
    assert len(store.images()) == 1


def test_what_traps_no_longer_get_is_forgotten(store: ImageStore, database_url: str) -> None:
    for _ in range(MESSAGES):
        store.learn_from_traps([[learned()]])
    store.learn_from_traps([[learned(MINUTES)]])
    store.learn([learned(FRENCH)], "ann")
    store.expire()
    assert len(store.images()) == 3
    for days, left in ((40, ["known", "known"]), (200, ["known"])):
        with open_database(database_url).begin() as connection:
            past = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=days)
            connection.execute(update(IMAGE).values(seen_at=past))
        store.expire()
        assert [row.state for row in store.images()] == left
    assert [row.learned_by for row in store.images()] == ["ann"]
    assert TRAPS != "ann"


def test_workers_map_the_file(store: ImageStore, database_url: str, tmp_path: Path) -> None:
    source, path = DatabaseImages(database_url), tmp_path / "images"
    mapped = MappedImages(path)
    assert (source.fresh(), mapped.fresh()) == (None, None)
    store.learn([learned(), learned(MINUTES)], "ann")
    publish(path, [build(store.known(), store.version())])
    for images in (source.fresh(), mapped.fresh()):
        assert images is not None
        assert (len(images), images.version) == (2, 1)
        text = images.by_text("\n".join(MINUTES))
        assert text is not None
        assert text.full == learned(MINUTES).id
    assert (source.fresh(), mapped.fresh()) == (None, None)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", [b"", b"TAMIS-IMAGES   2", b"x" * 100])
def test_a_damaged_file(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "images"
    path.write_bytes(damage)
    source = MappedImages(path)
    with pytest.raises(KnownImagesError):
        source.fresh()
    # It is not read again and again.
    assert source.fresh() is None


def test_a_flipped_bit_is_found(tmp_path: Path) -> None:
    data = bytearray(build([]) + b"")
    data[-1] ^= 1
    (tmp_path / "images").write_bytes(data)
    with (tmp_path / "images").open("rb") as file, pytest.raises(KnownImagesError, match="damaged"):
        open_known(file)
