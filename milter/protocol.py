"""pymilter's names with types, and libmilter fed from a listening socket that somebody else has opened."""

import functools
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast

import Milter
import milter

from tamis.milter import log, unread

P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])

CONTINUE: Final[int] = Milter.CONTINUE
DISCARD: Final[int] = Milter.DISCARD
REJECT: Final[int] = Milter.REJECT
TEMPFAIL: Final[int] = Milter.TEMPFAIL
LEADING_SPACE: Final[int] = milter.P_HDR_LEADSPC
_WAKE_UP: Final = signal.SIGURG
"""Nobody else uses it, and who is not asked ignores it."""

noreply = cast(Callable[[F], F], Milter.noreply)
"""Callbacks that decide nothing are not waited for: three to four times the throughput."""


def guarded(callback: Callable[P, int | None]) -> Callable[P, int]:
    """Make a callback answer CONTINUE when it answers nothing, or fails.

    An exception out of a callback that nobody waits for leaves the MTA hanging until its timeout.
    """

    @functools.wraps(callback)
    def call(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            answer = callback(*args, **kwargs)
        except Exception as error:
            log.failure(f"the callback {callback.__name__} failed; the message goes on", error)
            return CONTINUE
        return CONTINUE if answer is None else answer

    return call


def register(name: str) -> None:
    """Tell libmilter which callbacks to call; sessions do nothing until `sessions` says what they are."""
    milter.set_exception_policy(CONTINUE)
    milter.set_flags(milter.ADDHDRS | milter.CHGHDRS | milter.DELRCPT)
    Milter.factory = Milter.Base
    milter.set_connect_callback(Milter.connect_callback)
    milter.set_helo_callback(lambda context, host: context.getpriv().hello(host))
    milter.set_envfrom_callback(lambda context, *words: context.getpriv().envfrom(*words))
    milter.set_envrcpt_callback(lambda context, *words: context.getpriv().envrcpt(*words))
    milter.set_header_callback(lambda context, name, value: context.getpriv().header(name, value))
    milter.set_body_callback(lambda context, chunk: context.getpriv().body(chunk))
    milter.set_eom_callback(lambda context: context.getpriv().eom())
    milter.set_abort_callback(lambda context: context.getpriv().abort())
    milter.set_close_callback(Milter.close_callback)
    milter.register(name, negotiate=Milter.negotiate_callback)


def sessions(factory: Callable[[], Any]) -> None:
    """Make the object of each new session by `factory`."""
    Milter.factory = factory


class Line:
    """Where libmilter listens: first at a place that only this process knows, then wherever `listen_at` says.

    libmilter can only open a socket itself (`fd:N` is a Debian patch), and one per process. So it opens one of the
    family of the real one, in `folder` where it is a file, and the real one is put in its place.
    """

    def __init__(self, family: int, folder: Path) -> None:
        self.family = family
        self._unused = folder / f".{os.getpid()}"
        hosts = {
            socket.AF_UNIX: f"unix:{self._unused}",
            socket.AF_INET: "inet:0@127.0.0.1",
            socket.AF_INET6: "inet6:0@::1",
        }
        before = unread.sockets()
        milter.setconn(hosts[socket.AddressFamily(family)])
        milter.opensocket(True)
        (self._number,) = unread.sockets() - before
        self.address = unread.name_of(self._number)
        self._place: object = None
        """Where the MTA connects; those who connected before, to a place of our own, are not the MTA."""
        self._thread: threading.Thread | None = None

    def serve(self, on_return: Callable[[str], None]) -> None:
        """Run libmilter's main loop in a thread of its own; it does not return in normal life. For the main thread."""

        def serve() -> None:
            try:
                milter.main()
            except milter.error as error:
                on_return(str(error))
            else:
                on_return("it was stopped")

        signal.signal(_WAKE_UP, lambda *_: None)
        self._thread = threading.Thread(target=serve, name="libmilter", daemon=True)
        self._thread.start()

    def listen_at(self, listener: socket.socket) -> None:
        """Serve a listening socket from now on."""
        self._place = unread.place(listener.getsockname())
        self._unused.unlink(missing_ok=True)
        self._put_in_place(listener)

    def _put_in_place(self, listener: socket.socket) -> None:
        os.dup2(listener.fileno(), self._number, inheritable=False)
        # libmilter waits at the old one for five seconds, and for nobody at the new one until then.
        if self._thread is not None and self._thread.ident is not None:
            signal.pthread_kill(self._thread.ident, _WAKE_UP)

    def stop(self) -> None:
        """Let libmilter wait for connections where none will ever come: sessions under way are not disturbed."""
        with socket.socket(socket.AF_UNIX) as unused:
            unused.bind("")  # Any free name in the abstract namespace.
            unused.listen(1)
            unused.setblocking(False)
            self._put_in_place(unused)

    def waiting(self) -> dict[int, int]:
        """The MTA's connections on which something waits to be read, and how far they are (`unread.waiting`)."""
        return unread.waiting(unread.sockets() - {self._number}, self._place)
