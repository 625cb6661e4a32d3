"""Archives are opened, within bounds, and what is in them is looked at."""

import gzip
import tarfile
import zipfile
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis import limits
from tamis.attachments import Attachments
from tamis.attachments.helper import Helper
from tamis.attachments.kinds import Kind
from tests.attachments.making import (
    PACKERS,
    PE,
    encrypted_zip,
    message,
    office,
    tarred,
    written,
    zipped,
)


@pytest.fixture(scope="module")
def helper() -> Iterator[Helper]:
    helper = Helper()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "HELPER_SECONDS", 60.0)  # However busy the machine is.
        yield helper
    helper.close()


def found(name: str, content: bytes, helper: Helper | None = None) -> Attachments:
    return Attachments(message((name, content)), helper)


def labels(attachments: Attachments) -> list[tuple[str, str]]:
    """Name and kind of each file behind the text."""
    return [(file.name, file.kind.value) for file in attachments.files[1:]]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_zip(method: int) -> None:
    looked = found("a.zip", zipped({"dir/b.exe": PE, "é.txt": b"hello"}, method))
    assert labels(looked) == [("a.zip", "zip"), ("dir/b.exe", "pe"), ("é.txt", "text")]
    (program,) = (file for file in looked.files if file.runs)
    assert program.label == "the file 'dir/b.exe' in the file 'a.zip'"
    assert (program.size, len(program.digest)) == (len(PE), 32)


def test_a_zip_whose_directory_is_cut_off_or_moved() -> None:
    whole = zipped({"b.exe": PE, "c.txt": b"hello"})
    cut = whole[: whole.find(b"PK\x01\x02")]
    assert labels(found("a.zip", cut)) == [("a.zip", "zip"), ("b.exe", "pe"), ("c.txt", "text")]
    # A self-extracting archive begins with a program, and is one.
    assert labels(found("a.exe", PE + whole)) == [("a.exe", "pe")]
    assert ("b.exe", "pe") in labels(found("a.zip", b"PK\x03\x04" + b"junk" * 10 + whole))


def test_a_method_that_is_not_known_is_said() -> None:
    looked = found("a.zip", zipped({"b.exe": PE}, zipfile.ZIP_LZMA))
    assert labels(looked) == [("a.zip", "zip"), ("b.exe", "unread")]
    assert looked.found.unread == [
        "the file 'b.exe' in the file 'a.zip' is not opened: it is packed by method 14",
    ]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("packer", PACKERS)
def test_packed_tar(form: int, packer: str) -> None:
    long = "d" * 90 + "/" + "x" * 90 + ".exe"
    packed = PACKERS[packer](tarred({long: PE, "c.txt": b"hello"}, form))
    assert labels(found(f"a.tar.{packer}", packed)) == [
        (f"a.tar.{packer}", {"gz": "gzip", "bz2": "bzip2"}.get(packer, packer)),
        ("a.tar", "tar"),
        (long, "pe"),
        ("c.txt", "text"),
    ]


def test_several_members_of_gzip_are_one_file() -> None:
    looked = found("a.txt.gz", gzip.compress(b"one ") + gzip.compress(b"two") + b"\0\0")
    assert labels(looked)[1] == ("a.txt", "text")
    assert looked.files[2].size == 7


@pytest.mark.slow
@pytest.mark.parametrize(("name", "form"), [("a.7z", "7zip"), ("a.iso", "iso9660")])
def test_what_the_helper_opens(name: str, form: str, helper: Helper) -> None:
    content = written(form, {"B.EXE": PE, "C.TXT": b"hello"})
    assert sorted(labels(found(name, content, helper)))[:2] == [("B.EXE", "pe"), ("C.TXT", "text")]
    alone = found(name, content)
    assert (len(alone.files), alone.found.unread) == (2, [f"the file {name!r} is not opened: nothing here reads it"])


def test_encrypted_archives_show_their_names() -> None:
    looked = found("a.zip", encrypted_zip({"invoice.exe": PE}))
    archive, member = looked.files[1:]
    assert (archive.encrypted, member.encrypted, member.kind, member.runs) == (True, True, Kind.UNREAD, True)
    assert not member.digest


def test_an_office_document_is_no_archive_but_for_what_does_not_belong() -> None:
    assert labels(found("a.docx", office({"word/media/image1.png": b"x"}))) == [("a.docx", "ooxml")]
    assert labels(found("a.docx", office({"word/evil.exe": PE}))) == [("a.docx", "ooxml"), ("word/evil.exe", "pe")]


def test_java_and_android_programs() -> None:
    assert labels(found("a.zip", zipped({"META-INF/MANIFEST.MF": b"", "A.class": b"x"}))) == [("a.zip", "java")]
    assert labels(found("a.apk", zipped({"AndroidManifest.xml": b"", "classes.dex": b"x"}))) == [("a.apk", "dex")]


def test_archives_within_archives_to_a_depth() -> None:
    content = PE
    for level in range(limits.ARCHIVE_DEPTH):
        content = zipped({f"{level}.zip" if level else "b.exe": content})
    assert labels(found("a.zip", content))[-1] == ("b.exe", "pe")
    looked = found("a.zip", zipped({"x.zip": content}))
    assert labels(looked)[-1] == ("1.zip", "zip")
    assert len(looked.found.deep) == 1


def test_a_bomb_is_named() -> None:
    looked = found("a.zip", zipped({"b.txt": bytes(5_000_000), "c.exe": PE}))
    assert labels(looked) == [("a.zip", "zip"), ("b.txt", "unread"), ("c.exe", "pe")]
    assert looked.found.bombs == [
        "the file 'b.txt' in the file 'a.zip' is a bomb: it expands to more than 150 times its size"
    ]


def test_too_many_files() -> None:
    looked = found("a.zip", zipped({f"{number}.txt": b"x" for number in range(1000)}))
    assert len(looked.files) == limits.ATTACHED_FILES
    assert looked.found.unread == ["there are more than 500 files"]


@given(st.binary(max_size=400), st.integers(0, 400), st.integers(0, 255))
def test_nothing_raises(content: bytes, at: int, octet: int) -> None:
    """Not for archives of which one octet is another, nor for anything that begins as one."""
    for whole in (zipped({"b.exe": PE}), tarred({"b.exe": PE}), gzip.compress(PE), office({"a.bin": PE})):
        changed = bytearray(whole)
        changed[at % len(whole)] = octet
        _ = found("a", bytes(changed)).found
        _ = found("a", whole[:4] + content).found
