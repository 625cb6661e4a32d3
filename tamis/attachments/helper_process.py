"""The helper's own process: reads macros and opens archives that only larger libraries can, apart from the daemon.

What these libraries may do with a hostile file is not ours to know, so the process may take little memory, little
processor time for each file, and write no file. It reads one request after the other from standard
input, and ends with it. Run by `tamis.attachments.helper` alone.
"""

import contextlib
import importlib
import resource
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from tamis import limits
from tamis.attachments.wire import Found, Member, Request, read, write

_WORDS: Final = 10
_MARGIN: Final = 1024
_AUTOEXEC: Final = "AutoExec"
_SUSPICIOUS: Final = "Suspicious"


def main() -> None:
    """Serve until standard input ends."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    # What a library prints must not come between the answers.
    sys.stdout = sys.stderr
    for name in ("libarchive", "oletools.olevba"):
        # One that is missing costs what it reads alone.
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    _bound()
    for _task in range(limits.HELPER_TASKS):
        request = _next(source)
        if request is None:
            return
        # The kernel kills a process whose timer is not caught, whatever C code it is in.
        signal.setitimer(signal.ITIMER_PROF, limits.HELPER_CPU_SECONDS)
        try:
            found = _macros(request.data) if request.what == "macros" else _members(request)
        except BaseException as error:
            found = Found(error=f"{type(error).__name__}: {error}"[:200])
        signal.setitimer(signal.ITIMER_PROF, 0)
        write(sink, found)


def _bound() -> None:
    now = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + limits.HELPER_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    # The libraries' own modules may still be read.
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


def _next(source: BinaryIO) -> Request | None:
    try:
        return read(source, Request)
    except (EOFError, msgspec.DecodeError):
        return None


def _macros(data: bytes) -> Found:
    """Return the words of the macros of an OLE file that say when they start, and what they might do."""
    from oletools.olevba import VBA_Parser

    parser: Any = VBA_Parser("file", data=data)
    try:
        if not parser.detect_vba_macros():
            return Found()
        words: dict[str, dict[str, None]] = {_AUTOEXEC: {}, _SUSPICIOUS: {}}
        for kind, word, _ in parser.analyze_macros(show_decoded_strings=False, deobfuscate=False) or ():
            if kind in words:
                words[kind][str(word)[:40]] = None
        return Found(True, list(words[_AUTOEXEC])[:_WORDS], list(words[_SUSPICIOUS])[:_WORDS])
    finally:
        parser.close()


def _members(request: Request) -> Found:
    """Return the members of an archive, as far as they fit into what was asked for."""
    import libarchive

    found = Found()
    room = request.room
    try:
        with libarchive.memory_reader(request.data) as archive:
            for entry in archive:
                if len(found.members) >= request.files:
                    break
                if not entry.isfile:
                    continue
                member = Member(str(entry.pathname)[: limits.ARCHIVE_NAME_CHARS], int(entry.size or 0))
                found.members.append(member)
                if room > 0:
                    room -= _content(entry, member, room)
    except libarchive.ArchiveError as error:
        found.error = str(error)[:200]
        found.encrypted = "encrypt" in found.error.lower() or "passphrase" in found.error.lower()
        for member in found.members if found.encrypted else ():
            member.encrypted = member.encrypted or not member.read
    return found


def _content(entry: Any, member: Member, room: int) -> int:
    """Read one member, at most so many octets; return how many it took."""
    import libarchive

    pieces, size = [], 0
    try:
        for block in entry.get_blocks():
            pieces.append(block)
            size += len(block)
            if size > room:
                return room
    except libarchive.ArchiveError as error:
        member.encrypted = "encrypt" in str(error).lower() or "passphrase" in str(error).lower()
        return size
    member.data, member.read = b"".join(pieces), True
    return size


if __name__ == "__main__":
    main()
