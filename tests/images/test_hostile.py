"""What strangers send costs a reader no more than a second of its processor and 300 MB, and has one clear reason."""

import contextlib
import io
import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tamis.images.decode import Refused, decode
from tests.images.drawn import bomb, drawn, saved

pytestmark = pytest.mark.slow

MEASURE = """
import json, sys, time
from pathlib import Path
from tamis.images.answers import Request, Task
from tamis.images.reader import answer
data = Path(sys.argv[1]).read_bytes()
began = time.process_time()
reply = answer(Request(Task.LOOK, 9.0, data), (), time.monotonic() + 9.0)
seconds = time.process_time() - began
(most,) = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(json.dumps([seconds, int(most) // 1024, reply.refused, reply.failed]))
"""


def frames(size: tuple[int, int], number: int) -> bytes:
    """An animation of that many frames."""
    first, *others = (Image.new("P", size, one % 7) for one in range(number))
    return saved(first, "GIF", save_all=True, append_images=others, duration=10)


def many_small_frames(number: int) -> bytes:
    """A GIF of frames that Pillow would take its time to write."""
    head = b"GIF89a" + struct.pack("<HHBBB", 64, 64, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return head + frame * number + b"\x3b"


def noise(width: int, height: int) -> bytes:
    random = np.random.default_rng(1)
    return saved(Image.fromarray(random.integers(0, 256, (height, width), np.uint8)))


def text_chunk() -> bytes:
    """A PNG whose comment is 100 MB of nothing."""
    data = b"Comment\0\0" + zlib.compress(bytes(100_000_000), 9)
    chunk = struct.pack(">I", len(data)) + b"zTXt" + data + struct.pack(">I", zlib.crc32(b"zTXt" + data))
    png = bomb(64, 64)
    return png[:33] + chunk + png[33:]


def huge_jpeg(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("L", (width, height), 128).save(file, "JPEG")
    return file.getvalue()


HOSTILE = {
    "200 megapixels": (lambda: bomb(20_000, 10_000), "20,000 x 10,000 pixels"),
    "a line of pixels": (lambda: bomb(10_000_000, 1), ""),
    "200 megapixels of JPEG": (lambda: huge_jpeg(20_000, 10_000), "20,000 x 10,000 pixels"),
    "a hundred thousand frames": (lambda: many_small_frames(100_000), ""),
    "forty large frames": (lambda: frames((2000, 1500), 40), ""),
    "noise": (lambda: noise(1600, 1200), ""),
    "a comment": (text_chunk, ""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_cost(tmp_path: Path, name: str) -> None:
    made, reason = HOSTILE[name]
    file = tmp_path / "image"
    file.write_bytes(made())
    run = subprocess.run([sys.executable, "-c", MEASURE, str(file)], capture_output=True, text=True, check=True)
    seconds, megabytes, refused, failed = json.loads(run.stdout)
    print(name, round(seconds, 2), megabytes, refused, failed)
    assert seconds < 1.0
    assert megabytes < 300
    assert (reason in refused, failed) == (True, "")
    assert bool(refused) is bool(reason)


@given(st.data())
def test_broken_images_are_decoded_or_refused(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["PNG", "GIF", "JPEG", "WEBP", "BMP"]))
    octets = bytearray(saved(drawn(("some text",), size=(120, 60)), kind))
    for _ in range(data.draw(st.integers(1, 8))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(octets)))
    with contextlib.suppress(Refused):
        assert decode(bytes(octets[:cut] if data.draw(st.booleans()) else octets)).image.mode == "RGB"
