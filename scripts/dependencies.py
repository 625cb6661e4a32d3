"""What Tamis needs at run time, by the metadata of what is installed: for the package and for the table of licences."""

import os
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def closure(name: str = "tamis", extras: frozenset[str] = frozenset({"postgresql"})) -> dict[str, Distribution]:
    """Return the installed distributions that one needs, itself included, by their canonical names.

    Raises `importlib.metadata.PackageNotFoundError` where one is missing.
    """
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(canonicalize_name(name), extra) for extra in ("", *sorted(extras))]
    while waiting:
        one, extra = pair = waiting.pop()
        if pair in seen:
            continue
        seen.add(pair)
        found[one] = distribution(one)
        for text in found[one].requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                needed = canonicalize_name(requirement.name)
                waiting += [(needed, wanted) for wanted in ("", *sorted(requirement.extras))]
    return dict(sorted(found.items()))


def files(one: Distribution) -> Iterator[tuple[Path, Path]]:
    """Yield the files of a distribution below site-packages, as they are and relative to it; nothing compiled."""
    site = Path(str(one.locate_file("")))
    listed = [Path(str(entry)) for entry in one.files or ()]
    if (old := one.read_text("installed-files.txt")) is not None:
        # What setup.py installed itself: its own list is relative to the metadata, and the other names the sources.
        (metadata,) = site.glob(f"{one.name}-{one.version}*.egg-info")
        listed = [Path(os.path.normpath(metadata.name + "/" + line)) for line in old.splitlines()]
    for place in listed:
        if ".." not in place.parts and "__pycache__" not in place.parts:
            yield site / place, place
