"""Whether what waits on a connection is being read, as seen from beside who reads it."""

import itertools
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tamis.milter.unread import name_of, place, waiting


@pytest.fixture(params=["tcp", "unix"])
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Who sends, and the end that was accepted."""
    if request.param == "tcp":
        listener = socket.create_server(("127.0.0.1", 0))
    else:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(tmp_path / "s"))
        listener.listen()
    with listener, socket.socket(listener.family) as client:
        client.connect(listener.getsockname())
        accepted, _ = listener.accept()
        with accepted:
            yield client, accepted


def look(accepted: socket.socket) -> dict[int, int]:
    return waiting([accepted.fileno()], place(name_of(accepted.fileno())))


def test_nothing_waits(ends: tuple[socket.socket, socket.socket]) -> None:
    _, accepted = ends
    assert look(accepted) == {}


def test_what_nobody_reads_stays_the_same(ends: tuple[socket.socket, socket.socket]) -> None:
    client, accepted = ends
    client.sendall(b"header")
    first = look(accepted)
    assert list(first) == [os.fstat(accepted.fileno()).st_ino]
    client.sendall(b" and more of it")
    assert look(accepted) == first == look(accepted)


def test_what_is_read_moves_though_as_much_waits_as_before(ends: tuple[socket.socket, socket.socket]) -> None:
    client, accepted = ends
    client.sendall(b"x" * 100)
    seen = []
    for _ in range(20):
        seen.append(look(accepted)[os.fstat(accepted.fileno()).st_ino])
        assert accepted.recv(10) == b"x" * 10
        client.sendall(b"x" * 10)
    assert len(set(seen)) == 20


def test_reading_is_not_disturbed(ends: tuple[socket.socket, socket.socket]) -> None:
    client, accepted = ends
    for number in range(50):
        client.sendall(b"%08d" % number)
        look(accepted)
        look(accepted)
        assert accepted.recv(64) == b"%08d" % number


def test_the_mark_is_set_again_before_it_is_used_up(
    ends: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tamis.milter.unread._MARK", 100)
    client, accepted = ends
    client.sendall(b"x")
    seen = []
    for _ in range(20):
        client.sendall(b"x" * 30)
        (far,) = look(accepted).values()
        seen.append(far)
        assert accepted.recv(30, socket.MSG_WAITALL) == b"x" * 30
    assert all(one != other for one, other in itertools.pairwise(seen))


def test_other_places_do_not_count(ends: tuple[socket.socket, socket.socket]) -> None:
    client, accepted = ends
    client.sendall(b"x")
    assert waiting([accepted.fileno()], "elsewhere") == {}


def test_what_is_closed_meanwhile_is_left_out(ends: tuple[socket.socket, socket.socket]) -> None:
    client, accepted = ends
    number, where = accepted.fileno(), place(name_of(accepted.fileno()))
    client.sendall(b"x")
    accepted.close()
    assert waiting([number], where) == {}
