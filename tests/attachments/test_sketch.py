"""Sketches stay near when a file is changed a little, and far from other files; what is known near them is found."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis import limits
from tamis.attachments.kinds import Kind
from tamis.attachments.known import RADIUS, TIGHT_RADIUS, KnownFiles
from tamis.attachments.known_file import Columns, KnownFilesError, read, write
from tamis.attachments.sketch import BITS, BYTES, sketch
from tests.attachments.making import PE, zipped

PROGRAM = Path("/bin/ls").read_bytes()


def distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def turned(vertex: bytes, bits: int, seed: int = 1) -> bytes:
    """A vertex with so many bits turned."""
    number = int.from_bytes(vertex, "big")
    for bit in random.Random(seed).sample(range(BITS), bits):
        number ^= 1 << bit
    return number.to_bytes(BYTES, "big")


def test_a_changed_program_is_near_and_another_is_not() -> None:
    vertex = sketch(PROGRAM, Kind.ELF)
    assert len(vertex) == BYTES
    assert vertex == sketch(PROGRAM, Kind.ELF)
    changed = bytearray(PROGRAM)
    for at in random.Random(7).sample(range(100, len(PROGRAM)), 100):
        changed[at] ^= 0x55
    assert distance(vertex, sketch(bytes(changed), Kind.ELF)) <= RADIUS
    assert distance(vertex, sketch(PROGRAM + b"x" * 500, Kind.ELF)) <= RADIUS
    assert distance(vertex, sketch(Path("/bin/bash").read_bytes(), Kind.ELF)) > RADIUS


def test_a_repacked_archive_is_near() -> None:
    files = {f"{number}.class": random.Random(number).randbytes(300) for number in range(30)}
    again = dict(reversed(files.items()))
    assert distance(sketch(zipped(files), Kind.JAVA), sketch(zipped(again, 0), Kind.JAVA)) < 100


@given(st.binary(max_size=300), st.sampled_from(list(Kind)))
def test_every_file_has_a_vertex(content: bytes, kind: Kind) -> None:
    assert len(sketch(content, kind)) == len(sketch(PE + content, kind)) == BYTES


def test_what_lies_behind_the_cap_is_not_looked_at() -> None:
    long = random.Random(3).randbytes(limits.SKETCHED_BYTES)
    assert sketch(long + b"abc", Kind.DATA) == sketch(long + b"xyz", Kind.DATA)


VERTEX = sketch(PROGRAM, Kind.ELF)


def known(*vertices: tuple[bytes, Kind, str, int, int]) -> KnownFiles:
    return Columns([], [(one, kind.value, family, bad, good) for one, kind, family, bad, good in vertices]).known()


@pytest.mark.parametrize(("bits", "found"), [(0, True), (RADIUS, True), (RADIUS + 1, False), (BITS, False)])
def test_within_the_radius(bits: int, found: bool) -> None:
    for seed in range(5):
        near = known((VERTEX, Kind.ELF, "bad", 3, 0)).near(turned(VERTEX, bits, seed), Kind.ELF)
        assert (near is not None) is found
        assert near is None or (near.family, near.distance, near.bad) == ("bad", bits, 3)


def test_counts_of_all_within_the_radius_and_the_nearest_bad_family() -> None:
    files = known(
        (turned(VERTEX, 9), Kind.ELF, "far", 5, 1),
        (turned(VERTEX, 3), Kind.ELF, "near", 4, 0),
        (VERTEX, Kind.ELF, "", 0, 7),
        (turned(VERTEX, 100), Kind.ELF, "elsewhere", 99, 0),
        (VERTEX, Kind.PE, "of another type", 99, 0),
    )
    near = files.near(VERTEX, Kind.ELF)
    assert near is not None
    assert (near.family, near.distance, near.bad, near.good, near.vertices) == ("near", 3, 9, 8, 3)
    assert not near.is_bad(Kind.ELF)
    assert known((VERTEX, Kind.ELF, "", 0, 7)).near(VERTEX, Kind.ELF) is None
    assert KnownFiles().near(VERTEX, Kind.ELF) is None


@pytest.mark.parametrize(
    ("kind", "bad", "good", "is_bad"),
    [
        (Kind.PE, 1, 0, False),
        (Kind.PE, 2, 0, True),
        (Kind.PE, 9, 1, True),
        (Kind.PE, 8, 1, False),
        (Kind.PDF, 4, 0, False),
        (Kind.PDF, 5, 0, True),
        (Kind.PDF, 1000, 1, False),
    ],
)
def test_when_the_counts_are_clear(kind: Kind, bad: int, good: int, is_bad: bool) -> None:
    near = known((VERTEX, kind, "bad", bad, good)).near(VERTEX, kind)
    assert near is not None
    assert near.is_bad(kind) is is_bad


def test_what_is_alike_by_its_nature_must_be_nearer() -> None:
    files = known((VERTEX, Kind.PDF, "bad", 9, 0))
    assert files.near(turned(VERTEX, TIGHT_RADIUS), Kind.PDF)
    assert not files.near(turned(VERTEX, TIGHT_RADIUS + 1), Kind.PDF)


def test_every_vertex_is_found_among_many() -> None:
    random_ones = np.random.default_rng(5).integers(0, 256, (3000, BYTES), dtype=np.uint8)
    vertices = [one.tobytes() for one in random_ones]
    files = known(*((one, Kind.PE, f"f{at}", 2, 0) for at, one in enumerate(vertices)))
    for at in range(0, 3000, 100):
        near = files.near(turned(vertices[at], 40, at), Kind.PE)
        assert near is not None
        assert (near.family, near.vertices) == (f"f{at}", 1)


def test_the_file_is_what_was_written(tmp_path: Path) -> None:
    columns = Columns(
        [(bytes([n]) * 32, n) for n in (3, 1, 2)], [(VERTEX, "elf", "é", 3, 1), (VERTEX, "new", "", 1, 1)]
    )
    write(tmp_path / "files", columns)
    with (tmp_path / "files").open("rb") as file:
        files = read(file)
    assert (files.files, files.vertices) == (3, 1)  # A type that this version does not know is left out.
    near = files.near(VERTEX, Kind.ELF)
    assert near is not None
    assert (near.family, near.bad, near.good) == ("é", 3, 1)
    write(tmp_path / "files", Columns([], []))
    assert near == files.near(VERTEX, Kind.ELF)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "files"
    write(path, Columns([(bytes(32), 1)], [(VERTEX, "elf", "x", 3, 1)]))
    whole = path.read_bytes()
    for damaged in (b"", whole[:30], whole[:-1], b"X" + whole[1:], whole[:-1] + b"\xff"):
        path.write_bytes(damaged)
        with path.open("rb") as file, pytest.raises(KnownFilesError):
            read(file)
