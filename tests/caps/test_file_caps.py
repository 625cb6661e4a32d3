"""Caps on attached files: archives, what is kept of them, sketches, statistics, images."""

import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from tamis import limits
from tamis.attachments import helper, tars, zips
from tamis.attachments.attachments import look_at, sketches_of
from tamis.attachments.budget import Bomb, Budget, Exhausted
from tamis.attachments.seen import KEY, SeenFiles, take
from tamis.attachments.unpack import _unpack
from tamis.attachments.wire import Found, Request
from tamis.contract import Context
from tamis.filters.attachment_hashes import AttachmentHashes, _new
from tamis.images import codes, decode, ocr
from tamis.images.decode import Decoded, Frame, Refused
from tamis.redis_client import RedisClient


def _zip(names: list[str]) -> bytes:
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), b"x")
    return octets.getvalue()


def test_zip_entries() -> None:
    whole = _zip([f"{number}" for number in range(limits.ARCHIVE_ENTRIES + 10)])
    assert len(list(zips.entries(whole))) == limits.ARCHIVE_ENTRIES
    without_directory = whole[: whole.find(b"PK\1\2")]
    assert len(list(zips.entries(without_directory))) == limits.ARCHIVE_ENTRIES


@pytest.mark.parametrize("entries", [zips.entries, tars.entries])
def test_member_names(entries: Callable[[bytes], Any]) -> None:
    name = "n" * (limits.ARCHIVE_NAME_CHARS + 50)
    octets = io.BytesIO()
    with tarfile.open(fileobj=octets, mode="w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo(name))
    data = octets.getvalue() if entries is tars.entries else _zip([name])
    assert [one.name for one in entries(data)] == ["n" * limits.ARCHIVE_NAME_CHARS]


def test_octets_of_all_archives() -> None:
    budget = Budget()
    budget.take(limits.ARCHIVE_BYTES)
    with pytest.raises(Exhausted, match="16 MiB"):
        budget.take(1)


def test_processor_time_of_archives(monkeypatch: pytest.MonkeyPatch) -> None:
    began = helper.time.monotonic()
    monkeypatch.setattr("tamis.attachments.budget.time.thread_time", lambda: began + 2 * limits.ARCHIVE_CPU_SECONDS)
    budget = Budget(_until=began + limits.ARCHIVE_CPU_SECONDS)
    with pytest.raises(Exhausted, match="longer than"):
        budget.take(1)


def test_octets_kept() -> None:
    budget, half = Budget(), bytes(limits.FILE_BYTES_KEPT // 2)
    assert budget.keep(half) is half
    assert budget.keep(half) is half
    assert budget.keep(b"x") == b""


def test_ratio() -> None:
    packed = zlib.compress(bytes(4 * limits.MIB))
    assert len(packed) * limits.ARCHIVE_RATIO < 4 * limits.MIB
    with pytest.raises(Bomb, match=str(limits.ARCHIVE_RATIO)):
        _unpack(packed, Budget(), zlib_stream)


class zlib_stream:  # noqa: N801 - a function that makes one, to its caller
    """What the decompressors of the standard library look like."""

    needs_input = True
    unused_data = b""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj()

    @property
    def eof(self) -> bool:
        return self._stream.eof

    def decompress(self, data: bytes, most: int) -> bytes:
        piece = self._stream.decompress(self._stream.unconsumed_tail + bytes(data), most)
        self.needs_input = not self._stream.unconsumed_tail
        return piece


def test_helper_is_started_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helper, "_exchange", lambda *_: helper.msgspec.msgpack.encode(Found()))
    one = helper.Helper()
    later = helper.time.monotonic() + 60
    request = Request("macros", b"x", 1)
    try:
        one.ask(request, later)
        first = one._process
        for _ in range(limits.HELPER_TASKS - 2):
            one.ask(request, later)
        assert one._process is first
        one.ask(request, later)
        one.ask(request, later)
        assert one._process is not first
    finally:
        one.close()


def test_counted_files() -> None:
    several = [
        SimpleNamespace(digest=b"%d" % n, executable_like=True, label=f"{n}", encrypted=False, runs=True)
        for n in range(limits.COUNTED_FILES + 5)
    ]
    ctx = Context(AttachmentHashes.Options(), attachments=SimpleNamespace(files=several))  # type: ignore[arg-type]
    assert len(_new(ctx)) == limits.COUNTED_FILES


class Pipeline:
    def __init__(self) -> None:
        self.pushed: list[int] = []
        self.trimmed = 0

    def pipeline(self, **_: object) -> "Pipeline":
        return self

    def rpush(self, key: str, *packed: bytes) -> None:
        assert key == KEY
        self.pushed.append(len(packed))

    def ltrim(self, _key: str, first: int, _last: int) -> None:
        self.trimmed = first

    def lpop(self, _key: str, number: int) -> list[bytes]:
        self.pushed.append(number)
        return []

    def execute(self) -> None: ...


class Remembering(RedisClient):
    """Keeps what is asked of Redis."""

    def __init__(self) -> None:
        self.server = Pipeline()

    def ask(self, question: Callable[[Any], Any]) -> Any:
        return question(self.server)


def _file() -> Any:
    return look_at(b"\x7fELF", "a.bin").files[0]


def test_files_for_the_statistics() -> None:
    redis = Remembering()
    seen = SeenFiles(redis)
    file = _file()
    for number in range(limits.PENDING_FILES + 10):
        digest = b"%032d" % number
        one = SimpleNamespace(
            digest=digest, size=1, kind=file.kind, name="x", executable_like=False, attached=True, label="x"
        )
        seen._add(one, 1, 1, "ham", b"")  # type: ignore[arg-type]
    assert len(seen._pending) == limits.PENDING_FILES
    seen.flush()
    assert redis.server.pushed == [limits.FILES_AT_ONCE] * (limits.PENDING_FILES // limits.FILES_AT_ONCE)
    assert redis.server.trimmed == -limits.WAITING_FILES
    assert take(redis) == []
    assert redis.server.pushed[-1] == limits.FILES_AT_ONCE


def _files(number: int, size: int) -> list[Any]:
    kind = _file().kind
    return [SimpleNamespace(data=bytes(size), digest=b"%d" % n, attached=True, kind=kind) for n in range(number)]


def test_sketched_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tamis.attachments.attachments.sketch", lambda data, _kind: data[:1])
    assert len(sketches_of(_files(limits.SKETCHED_FILES + 1, 10))) == limits.SKETCHED_FILES
    most = limits.SKETCHED_BYTES_IN_ALL // limits.SKETCHED_BYTES
    assert len(sketches_of(_files(most + 1, 2 * limits.SKETCHED_BYTES))) == most


def _image(width: int, height: int, kind: str = "PNG") -> bytes:
    octets = io.BytesIO()
    Image.new("1" if kind == "PNG" else "L", (width, height), 1).save(octets, kind)
    return octets.getvalue()


@pytest.mark.parametrize(("kind", "most"), [("PNG", limits.IMAGE_PIXELS), ("JPEG", limits.JPEG_PIXELS)])
def test_pixels(kind: str, most: int) -> None:
    width = 10_000
    too_large = _image(width, most // width + 1, kind)
    with pytest.raises(Refused, match="pixels"):
        decode.decode(too_large)


def test_frames_that_are_read() -> None:
    octets = io.BytesIO()
    shades = [Image.new("L", (20, 20), shade) for shade in (0, 60, 120, 180, 240)]
    shades[0].save(octets, "GIF", save_all=True, append_images=shades[1:], duration=[10, 50, 20, 40, 30])
    decoded = decode.decode(octets.getvalue())
    assert decoded.frames == len(shades)
    assert len(decoded.kept) == limits.OCR_FRAMES


def test_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [SimpleNamespace(text=f"{number}" + "x" * limits.CODE_CHARS) for number in range(limits.IMAGE_CODES + 5)]
    monkeypatch.setattr(codes.zxingcpp, "read_barcodes", lambda *_, **__: many)
    found = codes.codes(Image.new("L", (50, 50)))
    assert len(found) == limits.IMAGE_CODES
    assert {len(text) for text in found} == {limits.CODE_CHARS}


def test_text_of_images(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Image.Image] = []

    def read(image: Image.Image, **_: object) -> str:
        shown.append(image)
        return "x" * (limits.OCR_CHARS + 10)

    monkeypatch.setattr(ocr.pytesseract, "image_to_string", read)
    large = Image.radial_gradient("L").resize((1500, 1500)).convert("RGB")
    decoded = Decoded(1500, 1500, 1, (Frame(large, 0),))
    assert len(ocr.read(decoded, "eng", helper.time.monotonic() + 10)) == limits.OCR_CHARS
    (image,) = shown
    assert image.width * image.height <= limits.OCR_PIXELS * 1.01
