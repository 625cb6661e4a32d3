"""What row 25 reaches: look-ups a second, changed files of known families that are found, other files taken for them.

``python -m benchmarks.hypercube [CORPUS]`` takes programs of this machine: each of some is a bad family, whose
changed copies are to be found, and all the others are good ones, which are not. With the folder of a corpus (as
``tamis evaluate`` takes it), programs in its spam are compared as well: those that came first are known, and those that
came later are looked for.
"""

import io
import os
import random
import re
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from tamis.attachments import Attachments
from tamis.attachments.kinds import EXECUTABLES, Kind, kind_of
from tamis.attachments.known import RADIUS
from tamis.attachments.known_file import Columns
from tamis.attachments.sketch import BYTES, sketch
from tamis.message import Message
from tamis.models.corpus import entries_of

RADII = (24, 32, 36, 40, 44, 48, 52, 56, 64)
FAMILIES = 150
LOOKUPS = 1000
_LARGEST = 2_000_000


def main() -> None:
    chance = random.Random(4)
    print_speed()
    programs = _programs()
    chance.shuffle(programs)
    print_families(programs, chance)
    for folder in sys.argv[1:]:
        print_corpus(Path(folder))


def print_speed() -> None:
    for number in (1_000, 10_000, 100_000):
        vertices = np.random.default_rng(1).integers(0, 256, (number, BYTES), dtype=np.uint8)
        known = Columns([], [(one.tobytes(), "pe", "f", 3, 0) for one in vertices]).known()
        asked = [vertices[at % number].tobytes() for at in range(LOOKUPS)]
        began = time.thread_time()
        found = sum(known.near(one, Kind.PE) is not None for one in asked)
        took = time.thread_time() - began
        print(f"{number:>8} vertices: {LOOKUPS / took:>7.0f} look-ups a second, {found} of {LOOKUPS} found")


def print_families(programs: list[tuple[str, bytes]], chance: random.Random) -> None:
    bad, good = programs[:FAMILIES], programs[FAMILIES:]
    began = time.thread_time()
    vertices = [(sketch(content, kind_of(content, name)), kind_of(content, name)) for name, content in bad]
    took = time.thread_time() - began
    size = sum(len(content) for _, content in bad)
    print(f"\n{len(bad)} families, {len(good)} other programs of this machine")
    print(f"a sketch takes {1000 * took / len(bad):.0f} ms of CPU for {size // len(bad) // 1000} KB\n")
    print(f"{'found at a radius of':<34}" + "".join(f"{radius:>7}" for radius in RADII))
    for title, change in CHANGES.items():
        distances = [
            _distance(vertex, sketch(changed, kind))
            for (vertex, kind), (_, content) in zip(vertices, bad, strict=True)
            for changed in [change(content, chance)]
        ]
        _row(title, [sum(one <= radius for one in distances) / len(distances) for radius in RADII])
    distances = [_distance(sketch(one, Kind.JAVA), sketch(two, Kind.JAVA)) for one, two in _repacked(chance)]
    _row("ZIP (JAR) packed again", [sum(one <= radius for one in distances) / len(distances) for radius in RADII])
    nearest = []
    for name, content in good:
        kind = kind_of(content, name)
        mine = sketch(content, kind)
        nearest.append((min((_distance(mine, vertex) for vertex, of in vertices if of is kind), default=256), name))
    _row("other programs, wrongly", [sum(one <= radius for one, _ in nearest) / len(nearest) for radius in RADII])
    packages = _packages()
    taken = {packages.get(name) for name, _ in bad}
    foreign = [one for one, name in nearest if packages.get(name) not in taken]
    title = f"{len(foreign)} of other packages, wrongly"
    _row(title, [sum(one <= radius for one in foreign) / max(1, len(foreign)) for radius in RADII])
    print("\nthe nearest of those: " + ", ".join(f"{name} ({one})" for one, name in sorted(nearest)[:8]))


def print_corpus(folder: Path) -> None:
    """Programs in spam: the first half in time is known; what is near it of the second half, and of ham."""
    sketches: list[tuple[bytes, Kind, bytes]] = []
    wrong = 0
    for entry in entries_of(folder):
        attachments = Attachments(Message(entry.read()))
        for file in attachments.files:
            if file.kind in EXECUTABLES - {Kind.SCRIPT} and file.digest in attachments.sketches:
                wrong += not entry.spam
                if entry.spam:
                    sketches.append((attachments.sketches[file.digest], file.kind, file.digest))
    half = len(sketches) // 2
    first, later = sketches[:half], sketches[half:]
    hashes = {digest for *_, digest in first}
    print(f"\n{folder.name}: {len(sketches)} programs in spam, {wrong} in ham; of the later {len(later)}, found by")
    print(f"{'their SHA-256':<34}{sum(digest in hashes for *_, digest in later) / max(1, len(later)):>7.0%}")
    nearest = [
        min((_distance(mine, vertex) for vertex, of, _ in first if of is kind), default=256) for mine, kind, _ in later
    ]
    _row("their sketch", [sum(one <= radius for one in nearest) / max(1, len(nearest)) for radius in RADII])


def _row(title: str, shares: list[float]) -> None:
    marked = [
        f"{share:>7.1%}" if radius != RADIUS else f"{share:>6.1%}*" for share, radius in zip(shares, RADII, strict=True)
    ]
    print(f"{title:<34}" + "".join(marked))


def _programs() -> list[tuple[str, bytes]]:
    found: dict[bytes, str] = {}
    for folder in ("/usr/bin", "/usr/sbin"):
        for path in sorted(Path(folder).iterdir()):
            if path.is_file() and 4000 < path.stat().st_size < _LARGEST and os.access(path, os.R_OK):
                content = path.read_bytes()
                if kind_of(content, path.name) is Kind.ELF:
                    found.setdefault(content, path.name)
    return [(name, content) for content, name in found.items()]


def _packages() -> dict[str, str]:
    """Which package a program is of, on Debian: programs of one package are often made of the same source."""
    found = {}
    for listed in Path("/var/lib/dpkg/info").glob("*.list"):
        for line in listed.read_text("utf-8").splitlines():
            folder, _, name = line.rpartition("/")
            if folder in ("/usr/bin", "/usr/sbin", "/bin", "/sbin"):
                found[name] = listed.name
    return found


def _appended(share: float) -> Callable[[bytes, random.Random], bytes]:
    return lambda content, chance: content + chance.randbytes(max(64, int(share * len(content))))


def _strings(content: bytes, chance: random.Random) -> bytes:
    """One in ten of the printable strings is another of the same length."""
    changed = bytearray(content)
    found = list(re.finditer(rb"[ -~]{8,40}", content))
    for match in chance.sample(found, len(found) // 10):
        changed[match.start() : match.end()] = bytes(
            chance.choices(b"abcdefghijklmnopqrstuvwxyz", k=len(match.group()))
        )
    return bytes(changed)


def _patched(share: float) -> Callable[[bytes, random.Random], bytes]:
    def patch(content: bytes, chance: random.Random) -> bytes:
        changed = bytearray(content)
        for _ in range(int(share * len(content) / 8)):
            at = chance.randrange(200, len(content) - 8)
            changed[at : at + 8] = chance.randbytes(8)
        return bytes(changed)

    return patch


def _inserted(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(200, len(content))
    return content[:at] + chance.randbytes(2048) + content[at:]


CHANGES = {
    "the same": lambda content, chance: content,
    "64 octets appended": _appended(0),
    "a tenth appended": _appended(0.1),
    "a third appended": _appended(0.33),
    "2 KB put into it": _inserted,
    "a tenth of the strings changed": _strings,
    "1 % patched": _patched(0.01),
    "3 % patched": _patched(0.03),
    "10 % patched": _patched(0.1),
}


def _repacked(chance: random.Random) -> Iterator[tuple[bytes, bytes]]:
    for _ in range(40):
        files = {f"pkg/C{number}.class": chance.randbytes(chance.randrange(300, 4000)) for number in range(40)}
        names = list(files)
        yield (
            _zip(files, names, zipfile.ZIP_DEFLATED),
            _zip(files, chance.sample(names, len(names)), zipfile.ZIP_STORED),
        )


def _zip(files: dict[str, bytes], names: list[str], method: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name in names:
            archive.writestr(name, files[name])
    return out.getvalue()


def _distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


if __name__ == "__main__":
    main()
