"""pymilter's names with types, and libmilter fed from a listening socket that somebody else has opened."""

import functools
import os
import socket
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast

import Milter
import milter

from tamis.milter import log

P = ParamSpec("P")
F = TypeVar("F", bound=Callable[..., Any])

CONTINUE: Final[int] = Milter.CONTINUE
REJECT: Final[int] = Milter.REJECT
LEADING_SPACE: Final[int] = milter.P_HDR_LEADSPC

noreply = cast(Callable[[F], F], Milter.noreply)
"""Callbacks that decide nothing are not waited for: three to four times the throughput."""


def guarded(callback: Callable[P, int | None]) -> Callable[P, int]:
    """Make a callback answer CONTINUE whatever happens in it, unless it returns another answer.

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


def register(name: str, factory: Callable[[], Any]) -> None:
    """Tell libmilter which callbacks to call; `factory` makes the object of each new session."""
    milter.set_exception_policy(CONTINUE)
    milter.set_flags(milter.ADDHDRS | milter.CHGHDRS)
    Milter.factory = factory
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


def adopt(listener: socket.socket, folder: Path) -> int:
    """Make libmilter serve a listening socket, and return the number of its own descriptor of it.

    libmilter can only open a socket itself (`fd:N` is a Debian patch), and one per process. So it opens
    one of the same family that nobody knows of, in `folder` where it is a file, and the real one is put
    in its place.
    """
    unused = folder / f".{os.getpid()}"
    hosts = {socket.AF_UNIX: f"unix:{unused}", socket.AF_INET: "inet:0@127.0.0.1", socket.AF_INET6: "inet6:0@::1"}
    before = _sockets()
    milter.setconn(hosts[listener.family])
    try:
        milter.opensocket(True)
    finally:
        unused.unlink(missing_ok=True)
    (number,) = _sockets() - before
    os.dup2(listener.fileno(), number, inheritable=False)
    return number


def _sockets() -> set[int]:
    """The descriptors of this process that are sockets."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                found.add(int(name))
        except OSError:
            continue
    return found


def stop_accepting(number: int) -> None:
    """Let libmilter wait for connections where none will ever come: sessions under way are not disturbed."""
    with socket.socket(socket.AF_UNIX) as unused:
        unused.bind("")  # Any free name in the abstract namespace.
        unused.listen(1)
        unused.setblocking(False)
        os.dup2(unused.fileno(), number, inheritable=False)


def serve_in_thread(on_return: Callable[[str], None]) -> threading.Thread:
    """Run libmilter's main loop in a thread of its own; it does not return in normal life."""

    def serve() -> None:
        try:
            milter.main()
        except milter.error as error:
            on_return(str(error))
        else:
            on_return("it was stopped")

    thread = threading.Thread(target=serve, name="libmilter", daemon=True)
    thread.start()
    return thread
