"""Where mail for a recipient really goes."""

from dataclasses import dataclass


class DestinationsUnknown(Exception):
    """The maps could not be asked."""


@dataclass(frozen=True, slots=True)
class Destination:
    local: tuple[str, ...] = ()
    outward: tuple[str, ...] = ()
