"""The spool: a name means the whole content, at any moment."""

import os
import time
from pathlib import Path

import pytest

from tamis.quarantine.spool import Incoming, Spool

RAW = b"Subject: x\r\n\r\nhello\r\n"


def put(spool: Spool, raw: bytes = RAW) -> Incoming:
    incoming = spool.incoming()
    incoming.write(raw)
    incoming.store()
    return incoming


def unfinished(spool: Spool) -> list[str]:
    return os.listdir(spool.unfinished)


def test_what_is_stored_comes_back(spool: Spool) -> None:
    incoming = spool.incoming()
    for piece in (RAW[:5], RAW[5:9], RAW[9:]):
        incoming.write(piece)
    assert incoming.size == len(RAW)
    digest = incoming.store()
    spool.settle([digest])
    incoming.discard()
    assert spool.holds(digest)
    with spool.open(digest) as content:
        assert content.read() == RAW
    assert list(spool.digests()) == [digest]
    assert unfinished(spool) == []


def test_the_same_content_that_is_removed_at_this_moment_is_stored_again(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(spool)
    link = os.link

    def removed_after_it_was_seen(source: Path, target: Path) -> None:
        try:
            link(source, target)
        except FileExistsError:
            target.unlink()
            raise

    monkeypatch.setattr(os, "link", removed_after_it_was_seen)
    digest = put(spool).digest
    assert spool.path(digest).read_bytes() == RAW


def test_the_same_content_stands_once(spool: Spool) -> None:
    first, second = put(spool), put(spool)
    assert first.digest == second.digest
    first.discard()
    second.discard()
    assert list(spool.digests()) == [first.digest]


def test_what_is_discarded_has_no_name(spool: Spool) -> None:
    incoming = spool.incoming()
    incoming.write(RAW)
    incoming.discard()
    assert list(spool.digests()) == []
    assert unfinished(spool) == []


def test_the_start_can_be_read_while_it_is_written(spool: Spool) -> None:
    incoming = spool.incoming()
    incoming.write(RAW)
    assert incoming.written(7) == RAW[:7]
    incoming.write(b"more")
    incoming.store()
    with spool.open(incoming.digest) as content:
        assert content.read() == RAW + b"more"


def test_a_file_that_lost_its_end_does_not_stand_for_the_content(spool: Spool) -> None:
    digest = put(spool).digest
    os.truncate(spool.path(digest), 3)
    put(spool).discard()
    assert spool.path(digest).read_bytes() == RAW


def test_a_content_that_was_removed_is_given_its_name_again(spool: Spool) -> None:
    incoming = put(spool)
    assert spool.remove([incoming.digest]) == len(RAW)
    incoming.restore()
    assert spool.path(incoming.digest).read_bytes() == RAW
    incoming.discard()
    assert spool.path(incoming.digest).read_bytes() == RAW


def test_a_content_that_was_discarded_cannot_be_restored(spool: Spool) -> None:
    incoming = put(spool)
    incoming.discard()
    spool.remove([incoming.digest])
    with pytest.raises(FileNotFoundError):
        incoming.restore()


def test_removing_what_is_there_and_what_is_not(spool: Spool) -> None:
    digests = [put(spool, RAW + b"%d" % number).digest for number in range(20)]
    assert spool.remove(["0" * 64, *digests, "1" * 64]) == sum(len(RAW + b"%d" % number) for number in range(20))
    assert list(spool.digests()) == []
    assert spool.remove(digests) == spool.remove([]) == 0


def test_folders_are_made_when_they_are_needed(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "not" / "there")
    assert list(spool.digests()) == []
    spool.sweep()
    spool.settle([put(spool).digest])


def test_only_the_service_user_reads_held_mail(spool: Spool) -> None:
    path = spool.path(put(spool).digest)
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o027 == 0


def test_only_old_unfinished_files_are_swept(spool: Spool) -> None:
    old, new = spool.incoming(), spool.incoming()
    (name,) = set(unfinished(spool)) - {Path(new._path).name}
    day = time.time() - 25 * 3600
    os.utime(spool.unfinished / name, (day, day))
    spool.sweep()
    assert unfinished(spool) == [new._path.name]
    old.discard()


def test_a_full_disk_is_an_error_and_leaves_nothing(spool: Spool) -> None:
    incoming = spool.incoming()
    full = os.open("/dev/full", os.O_RDWR)
    os.dup2(full, incoming._file.fileno())
    os.close(full)
    with pytest.raises(OSError, match="No space left"):
        incoming.write(b"x" * 100_000)
    incoming.discard()
    assert unfinished(spool) == []
