"""What follows from the octets of a message alone, remembered for its copies: a process looks at a mailing once."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from tamis import limits

if TYPE_CHECKING:
    from tamis.message import Message

T = TypeVar("T")
_NOTHING: Final = object()


class Copies(Generic[T]):
    """What a function said of the latest messages. Any number of threads may ask; two may both find out."""

    def __init__(self, find: Callable[["Message"], T], weigh: Callable[[T], int] = lambda _: 0) -> None:
        """`weigh` says how much more of the room than others something takes, see `limits.COPIES`."""
        self._find = find
        self._weigh = weigh
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, T] = OrderedDict()
        self._taken = 0

    def of(self, message: "Message") -> T:
        """Return what the function says of a message, or said of a copy of it."""
        digest = message.digest
        with self._lock:
            known = self._known.get(digest, _NOTHING)
            if known is not _NOTHING:
                self._known.move_to_end(digest)
                return self._known[digest]
        found = self._find(message)
        with self._lock:
            if digest not in self._known:
                self._known[digest] = found
                self._taken += 1 + self._weigh(found)
            while self._taken > limits.COPIES:
                _, oldest = self._known.popitem(last=False)
                self._taken -= 1 + self._weigh(oldest)
        return found
