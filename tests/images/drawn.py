"""Images for tests, drawn when they are needed, and messages that hold them."""

import base64
import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import zxingcpp
from PIL import Image, ImageDraw, ImageFont

PILLS = (
    "Canadian pharmacy online",
    "Cheapest pills without prescription",
    "We ship worldwide to your home",
    "Click here to order today",
)
FRENCH = ("Votre compte a été bloqué", "Cliquez ici pour le débloquer", "avant la fermeture définitive")
MINUTES = (
    "Minutes of the meeting",
    "The committee approved last year",
    "and discussed the new building",
    "Next meeting in September",
)
"""What an honest image says."""


def drawn(
    lines: Sequence[str] = PILLS,
    ink: str = "black",
    page: str = "white",
    size: tuple[int, int] = (480, 240),
    at: tuple[int, int] = (24, 20),
) -> Image.Image:
    """Return lines of text as a program would draw them."""
    image = Image.new("RGB", size, page)
    font = ImageFont.truetype("DejaVuSans.ttf", 20)
    ImageDraw.Draw(image).multiline_text(at, "\n".join(lines), ink, font, spacing=10)
    return image


def speckled(image: Image.Image, share: float = 0.01, seed: int = 1) -> Image.Image:
    """Return an image with dots of random colours, as spam has them."""
    random = np.random.default_rng(seed)
    pixels = np.array(image)
    spots = random.random(pixels.shape[:2]) < share
    pixels[spots] = random.integers(0, 256, (int(spots.sum()), 3))
    return Image.fromarray(pixels)


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """Return the file of an image."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def qr(text: str) -> Image.Image:
    """Return a QR code with a margin."""
    code = np.array(zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode).to_image(scale=4))
    page = Image.new("RGB", (code.shape[1] + 80, code.shape[0] + 80), "white")
    page.paste(Image.fromarray(code), (40, 40))
    return page


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of that size, of one colour, in a few kilobytes for each ten million pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pack = zlib.compressobj(9)
    row = bytes(1 + width)
    rows = b"".join(pack.compress(row) for _ in range(height)) + pack.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def letter(*images: bytes, text: str = "", subject: str = "hello") -> bytes:
    """Return a message with images attached."""
    parts = [f"Content-Type: text/plain; charset=utf-8\n\n{text}\n".encode()]
    for number, image in enumerate(images):
        head = f'Content-Type: image/png; name="{number}.png"\nContent-Transfer-Encoding: base64\n\n'
        parts.append(head.encode() + base64.encodebytes(image))
    head = (
        f"From: ann@sender.example\nSubject: {subject}\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n"
    )
    return head.encode() + b"\n" + b"".join(b"--b\n" + part + b"\n" for part in parts) + b"--b--\n"
