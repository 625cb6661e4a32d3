"""A DKIM signature still verifies after Tamis has put its headers above the message."""

import re
import subprocess
from pathlib import Path
from typing import Any

import dkim
import pytest

pytestmark = pytest.mark.servers

# What careless software breaks: no space after the colon, folding, trailing blanks, octets beyond ASCII, dots.
SIGNED = (
    "From: Signer <me@signer.example>\nTo:ann@example.org,\n  bob@example.org\nSubject:  two  spaces \n"
    "Date: Tue, 14 Oct 2025 09:12:00 +0200\nMessage-ID: <dkim-1@signer.example>\nMIME-Version: 1.0\n"
    "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"
)
TEXT = "Déjà vu, with blanks at the end  \n.a dot\n\n..two\n"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A private key, and the text of its record in the DNS."""
    path = tmp_path_factory.mktemp("dkim") / "key.pem"
    run = ["openssl", "genrsa", "-traditional", "-out", str(path), "2048"]
    subprocess.run(run, check=True, capture_output=True)
    public = subprocess.run(
        ["openssl", "rsa", "-in", str(path), "-pubout"], check=True, capture_output=True, text=True
    ).stdout
    record = "v=DKIM1; k=rsa; p=" + re.sub(r"-----[^-]+-----|\s", "", public)
    return Path(path).read_bytes(), record.encode()


@pytest.mark.parametrize("canonicalisation", [b"simple", b"relaxed"])
@pytest.mark.parametrize(
    ("recipient", "verdict"),
    [("ann@example.org", "ham; action=deliver"), ("ann@observe.example", "spam; action=observe")],
)
def test_signature_survives(
    letters: Any, key: tuple[bytes, bytes], canonicalisation: bytes, recipient: str, verdict: str
) -> None:
    private, record = key
    wire = letters.write(SIGNED, TEXT).replace(b"\n", b"\r\n")
    signature = dkim.sign(
        wire,
        b"tamis",
        b"signer.example",
        private,
        canonicalize=(canonicalisation, canonicalisation),
        include_headers=[b"from", b"to", b"subject", b"date", b"message-id"],
    )
    got = letters.pass_through(signature + wire, "me@signer.example", recipient)
    assert verdict in (got.header("X-Tamis-Verdict") or "")
    delivered = got.raw.replace(b"\n", b"\r\n")

    def answer(name: bytes, timeout: float = 5) -> bytes:
        assert name == b"tamis._domainkey.signer.example."
        return record

    assert dkim.verify(delivered, dnsfunc=answer)
    assert not dkim.verify(delivered.replace(b"two  spaces", b"two spaces!"), dnsfunc=answer)
