"""Samples as Prometheus reads them: its text format, version 0.0.4."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from tamis.metrics.names import FAMILIES

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_PARTS: Final = ("_bucket", "_sum", "_count")


def text(samples: Mapping[str, float]) -> str:
    """Return samples in the order of their families; those of no family of ours are left out."""
    families: dict[str, list[str]] = defaultdict(list)
    for name in samples:
        families[_family(name.partition("{")[0])].append(name)
    lines = []
    for name, family in FAMILIES.items():
        if name not in families:
            continue
        lines += [f"# HELP {name} {family.help}", f"# TYPE {name} {family.kind}"]
        theirs = families[name] if family.kind == "histogram" else sorted(families[name])
        lines += [f"{one} {_number(samples[one])}" for one in theirs]
    return "\n".join(lines) + "\n"


def _family(name: str) -> str:
    for part in _PARTS:
        if name.removesuffix(part) in FAMILIES:
            return name.removesuffix(part)
    return name


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))
