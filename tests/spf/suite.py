"""The openspf.org test suites of RFC 7208 and RFC 4408 (YAML), as zones of ours and cases."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

TYPES = ("A", "AAAA", "MX", "PTR", "TXT")


@dataclass(frozen=True)
class Case:
    """One question of a suite; several results may be right, `explanation` None where none is asked for."""

    name: str
    peer: str
    mail_from: str
    helo: str
    results: tuple[str, ...]
    explanation: str | None
    zone: dict[str, list[str] | str]


def read_suite(path: Path) -> Iterator[Case]:
    """Yield the cases of a file."""
    for scenario in yaml.load_all(path.read_text(), yaml.CSafeLoader):
        zone = dict(_zone(scenario["zonedata"]))
        for name, case in scenario["tests"].items():
            result = case["result"]
            yield Case(
                name,
                case["host"],
                case["mailfrom"],
                case["helo"] or "",
                (result,) if isinstance(result, str) else tuple(result),
                case.get("explanation"),
                zone,
            )


def _zone(data: dict[str, list[Any]]) -> Iterator[tuple[str, list[str] | str]]:
    """Yield the lines of a zone (`tamis.dns.zone`). A record of type SPF stands for a TXT record, where it has none."""
    for name, entries in data.items():
        records: dict[str, list[str]] = {}
        failing: set[str] = set()
        written = [next(iter(entry.items())) for entry in entries if entry != "TIMEOUT"]
        for kind, value in written:
            if value == "TIMEOUT":
                failing.add(kind)
            elif (kind, value) != ("TXT", "NONE"):
                records.setdefault(kind, []).append(_record(kind, value))
        if "TXT" not in dict(written) and "SPF" in records:
            records["TXT"] = records["SPF"]
        if "TIMEOUT" in entries:
            failing |= set(TYPES) - set(records)
        owner = _escaped(name.removesuffix("."))
        yield from ((f"{owner} {kind}", lines) for kind, lines in records.items() if lines and kind != "SPF")
        yield from ((f"{owner} {kind}", "TIMEOUT") for kind in failing & set(TYPES))


def _record(kind: str, value: Any) -> str:
    if kind == "MX":
        return f"{value[0]} {_escaped(value[1].removesuffix('.'))}."
    if kind in ("TXT", "SPF"):
        strings = value if isinstance(value, list) else [value]
        return " ".join(f'"{_escaped(piece, "")}"' for text in strings for piece in _pieces(text))
    return f"{_escaped(value.removesuffix('.'))}." if kind in ("CNAME", "PTR") else str(value)


def _pieces(text: str) -> list[str]:
    return [text[at : at + 255] for at in range(0, len(text), 255)] or [""]


def _escaped(text: str, kept: str = ".") -> str:
    """Return text with all but letters, digits and what is `kept` as ``\\DDD``, as zone files have it."""
    return "".join(
        chr(octet) if chr(octet) in kept or (octet < 128 and chr(octet).isalnum()) else f"\\{octet:03d}"
        for octet in text.encode()
    )
