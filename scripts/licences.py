"""The licences of all that Tamis needs, from the metadata of what is installed.

`python -m scripts.licences` writes docs/licences.md.

A licence that nobody has judged, or that does not go with GPL-3.0-or-later, is a mistake: `judge` raises.
"""

import re
import sys
from importlib.metadata import Distribution
from pathlib import Path
from typing import Final

from scripts.dependencies import closure

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "licences.md"
COMPATIBLE: Final = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "GPL-1.0-or-later", "GPL-2.0-or-later"),
    *("GPL-3.0-only", "GPL-3.0-or-later", "ISC", "LGPL-3.0-only", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0"),
    *("Unlicense", "Zlib"),
}
"""Licences whose works may be part of one under GPL-3.0-or-later, as the FSF and the SPDX names have them."""
_CLASSIFIERS: Final = {
    "MIT License": "MIT",
    "BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
_BY_HAND: Final = {
    # "Under the GNU General Public License", without a number, which means any version (GPL-2.0, section 9).
    "pymilter": "GPL-1.0-or-later",
    "libarchive-c": "CC0-1.0",
    # "Apache 2.0" in words, and the text of it.
    "ahocorasick_rs": "Apache-2.0",
    # No expression and no classifier: the word alone, and the text of it.
    "nh3": "MIT",
    # LICENSE in the source: two clauses.
    "oletools": "BSD-2-Clause",
    "olefile": "BSD-2-Clause",
}
"""Where the metadata are silent or say less than the files: read there."""


class UnknownLicence(Exception):
    """A package whose licence is not known or not compatible; the text says which."""


def licence(one: Distribution) -> str:
    """Return the SPDX expression of a distribution's licence, as it declares it. Raises `UnknownLicence`."""
    name = one.metadata["Name"].lower()
    if name in _BY_HAND:
        return _BY_HAND[name]
    if expression := _said(one, "License-Expression"):
        return expression
    if not one.metadata.get_all("Classifier") or _said(one, "License") in COMPATIBLE:
        return _said(one, "License")
    said = [text.rpartition(" :: ")[2] for text in one.metadata.get_all("Classifier") or () if text[:9] == "License :"]
    found = sorted({_CLASSIFIERS[text] for text in said if text in _CLASSIFIERS})
    if not found or len(found) < len(set(said)):
        raise UnknownLicence(f"{name}: its metadata say {said or _said(one, 'License')!r}")
    return " AND ".join(found)


def _said(one: Distribution, field: str) -> str:
    """Return the first field of a name, empty where there is none."""
    return next(iter(one.metadata.get_all(field) or ()), "")


def judge(name: str, expression: str) -> None:
    """Raise `UnknownLicence` unless all of a licence, or one of its alternatives, is compatible."""
    for alternative in re.split(r"\s+OR\s+", expression.replace("(", "").replace(")", "")):
        if set(re.split(r"\s+AND\s+", alternative)) <= COMPATIBLE:
            return
    raise UnknownLicence(f"{name}: {expression} is not known to go with GPL-3.0-or-later")


def page() -> str:
    """Return docs/licences.md. Raises `UnknownLicence`."""
    lines = [
        "# Licences",
        "",
        "<!-- Made by `python -m scripts.licences` from the metadata of the installed packages. Do not edit. -->",
        "",
        "Tamis is under GPL-3.0-or-later. What it needs at run time, and the Debian package brings, is under these",
        "licences, each of which goes with it. A test fails for one that is not known to.",
        "",
        "| package | licence |",
        "|---|---|",
    ]
    for name, one in closure().items():
        if name != "tamis":
            expression = licence(one)
            judge(name, expression)
            lines.append(f"| {name} | {expression} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    try:
        PAGE.write_text(page(), "utf-8")
    except UnknownLicence as error:
        sys.exit(str(error))
