"""What is asked of the readers of images, and what they answer (msgpack, over a socket)."""

import enum
from typing import Final

import msgspec

VERSION: Final = 1
"""Raised with every change of what is answered, so that remembered answers are forgotten."""


class Task(enum.StrEnum):
    """`LOOK`: decode it, make its fingerprints, read its QR codes. `READ`: read its text."""

    LOOK = "look"
    READ = "read"


class Request(msgspec.Struct, frozen=True, array_like=True):
    """One image, as its octets came, and how many seconds there are for it."""

    task: Task
    seconds: float
    data: bytes


class Look(msgspec.Struct, frozen=True, array_like=True):
    """What an image looks like. `pixels` is the digest of its decoded pixels; `shape` is 256 bits that are nearly the
    same for images that look the same, empty for one with too little in it to tell; `codes` what its QR codes say."""

    width: int
    height: int
    frames: int
    pixels: bytes
    shape: bytes
    codes: tuple[str, ...]


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """`refused` says why there is no answer, and would say so again: that is an answer too. `failed` may not."""

    look: Look | None = None
    text: str | None = None
    refused: str = ""
    failed: str = ""
