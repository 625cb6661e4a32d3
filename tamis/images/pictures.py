"""The images of one message, as its filters see them: looked at and read when that is first asked for, once.

What one filter has asked for costs the next one nothing, and answers are remembered in Redis by the octets of the
image: in a mailing they are the same. All filters of a message together wait for a bounded time.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import msgspec

from tamis import limits
from tamis.images.answers import VERSION, Look, Reply, Task
from tamis.images.client import NoReaders, Readers
from tamis.images.known import Known, KnownImages, octets_digest
from tamis.images.parts import Images, images_of
from tamis.links import Links, links_in
from tamis.message import Message
from tamis.once import once

_PREFIX: Final = b"tamis:image:%d:" % VERSION
_NONE: Final = Images(())
_NONE_KNOWN: Final = KnownImages()
_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Reply)


class Memory(Protocol):
    """Remembers octets by key, as `tamis.answers.Answers` does."""

    def fetch(self, keys: Sequence[bytes]) -> list[bytes | None]: ...

    def remember(self, answers: Mapping[bytes, bytes]) -> None: ...


class Forgetful:
    """Remembers nothing."""

    def fetch(self, keys: Sequence[bytes]) -> list[bytes | None]:
        return [None] * len(keys)

    def remember(self, answers: Mapping[bytes, bytes]) -> None:
        pass


@dataclass
class Picture:
    """One image: its octets, their digest, and what is known of it by now."""

    data: bytes
    digest: bytes
    replies: dict[Task, Reply] = field(default_factory=dict)

    @property
    def look(self) -> Look | None:
        """What it looks like; None before it was looked at, and where that failed."""
        reply = self.replies.get(Task.LOOK)
        return reply.look if reply else None

    @property
    def text(self) -> str:
        """What it says; nothing before it was read, and where that failed."""
        reply = self.replies.get(Task.READ)
        return (reply.text or "") if reply else ""

    def key(self, task: Task) -> bytes:
        return _PREFIX + task.value.encode() + b":" + self.digest


class Pictures:
    """Make one per message. Nothing raises; `trouble` says what could not be found out."""

    def __init__(
        self,
        images: Message | Images = _NONE,
        readers: Readers | None = None,
        memory: Memory | None = None,
        known: KnownImages | None = None,
        deadline: float = float("inf"),
        seconds: float = limits.IMAGES_SECONDS,
    ) -> None:
        """`images` are those of a message. `deadline` is that of the message, in monotonic seconds; `seconds` is how
        long is waited in all."""
        self._source = images
        self._seconds = seconds
        self._readers = readers or NoReaders()
        self._memory = memory or Forgetful()
        self._known = _NONE_KNOWN if known is None else known
        self._deadline = deadline
        self._asked: float | None = None
        self._remembered = False
        self._looked = self._read = False

    @once
    def all(self) -> tuple[Picture, ...]:
        """The images that are looked at, the largest first."""
        return tuple(Picture(data, octets_digest(data)) for data in self._images.found)

    @once
    def _images(self) -> Images:
        return images_of(self._source) if isinstance(self._source, Message) else self._source

    def looks(self) -> list[tuple[Picture, Look]]:
        """Look at all images, and return those that could be decoded and are large enough to show anything."""
        if not self._looked:
            self._looked = True
            self._ask(Task.LOOK, self.all)
        seen = ((picture, picture.look) for picture in self.all)
        return [(one, look) for one, look in seen if look and min(look.width, look.height) >= limits.IMAGE_LEAST_SIDE]

    def texts(self) -> list[tuple[Picture, str]]:
        """Read the text of the largest images, and return it."""
        largest = sorted(self.looks(), key=lambda one: one[1].width * one[1].height, reverse=True)
        chosen = [picture for picture, _ in largest[: limits.OCR_IMAGES]]
        if not self._read:
            self._read = True
            self._ask(Task.READ, chosen)
        return [(picture, picture.text) for picture in chosen if picture.text]

    @property
    def text(self) -> str:
        """What all of them say."""
        return "\n".join(text for _, text in self.texts())

    @property
    def codes(self) -> list[str]:
        """What the QR codes in them say."""
        return list(dict.fromkeys(code for _, look in self.looks() for code in look.codes))

    @once
    def links(self) -> Links:
        """The domains and addresses that the QR codes lead to."""
        return links_in("\n".join(self.codes))

    def known(self) -> tuple[Picture, Known] | None:
        """Return an image that is known as spam, asking no more than is needed to find one."""
        for picture in self.all:
            found = self._known.by_octets(picture.digest)
            if found:
                return picture, found
        for picture, look in self.looks() if len(self._known) else ():
            found = self._known.by_look(look)
            if found:
                return picture, found
        return None

    def known_text(self) -> tuple[Picture, Known] | None:
        """Return an image that says what a known one says."""
        for picture, text in self.texts() if len(self._known) else ():
            found = self._known.by_text(text)
            if found:
                return picture, found
        return None

    @property
    def trouble(self) -> str:
        """Why something could not be found out of what was asked until now; empty where all could."""
        for picture in self.all:
            for reply in picture.replies.values():
                if reply.refused or reply.failed:
                    return f"an image of {len(picture.data):,} octets: {reply.refused or reply.failed}"
        if self._images.capped:
            return "a cap kept some images from being looked at"
        return ""

    def _ask(self, task: Task, pictures: Sequence[Picture]) -> None:
        """Find out about images: what was remembered, then what the readers say."""
        if not pictures:
            return
        self._recall(pictures)
        new = {}
        for picture in pictures:
            if task in picture.replies:
                continue
            reply = self._readers.ask(task, picture.data, self._until())
            picture.replies[task] = reply
            if not reply.failed:
                new[picture.key(task)] = _encoder.encode(reply)
        self._memory.remember(new)

    def _recall(self, pictures: Sequence[Picture]) -> None:
        """Ask for all that is remembered of the images, in one round trip; only the first time."""
        if self._remembered:
            return
        self._remembered = True
        wanted = [(picture, task) for picture in pictures for task in Task]
        for (picture, task), value in zip(wanted, self._memory.fetch([one.key(t) for one, t in wanted]), strict=True):
            if value is not None:
                try:
                    picture.replies[task] = _decoder.decode(value)
                except msgspec.DecodeError:
                    continue

    def _until(self) -> float:
        """The moment until which images may be waited for: it counts from the first question."""
        if self._asked is None:
            self._asked = time.monotonic()
        return min(self._deadline, self._asked + self._seconds)
