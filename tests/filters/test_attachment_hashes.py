"""Row 26: files known to be bad, by their SHA-256."""

import base64
import hashlib
import quopri
from datetime import timedelta

import pytest

from tamis import limits
from tamis.contract import Abstain, Context
from tamis.filters.attachment_hashes import AttachmentHashes
from tamis.lists import Entry, ListName, Lists
from tamis.testing import hits, mail

FILTER = AttachmentHashes()
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STAN" + rb"DARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""In two halves, so that no scanner takes this file for it."""


def message(
    payload: bytes, encoding: str = "base64", fields: str = 'Content-Type: application/zip; name="a.zip"'
) -> bytes:
    """A message with text and that file."""
    encoded = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring}.get(encoding, bytes)(payload)
    head = f"{fields}\nContent-Transfer-Encoding: {encoding}\n\n".encode()
    start = b"From: ann@example.net\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nsee below\n--b\n"
    return start + head + encoded + b"\n--b--\n"


def listed(payload: bytes) -> Entry:
    return Entry(ListName.MALWARE_HASH, hashlib.sha256(payload).hexdigest())


def test_it_is_the_standard_string() -> None:
    assert len(EICAR) == 68
    assert hashlib.md5(EICAR).hexdigest() == "44d88612fea8a8f36de82e1278abb02f"


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "7bit", "8bit"])
@pytest.mark.parametrize("fields", ["Content-Type: application/x-msdownload", "Content-Type: text/plain", "X-Any: x"])
def test_eicar_in_any_part(encoding: str, fields: str) -> None:
    assert hits(FILTER, mail(message(EICAR, encoding, fields))) == ["KNOWN_MALWARE"]


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n", b" \t\r\n\x1a", b" " * 60])
def test_eicar_as_the_whole_body(ending: bytes) -> None:
    """Its definition allows white space behind it, up to 128 octets in all."""
    assert hits(FILTER, mail(b"From: ann@example.net\n\n" + EICAR + ending)) == ["KNOWN_MALWARE"]


def test_eicar_in_an_enclosed_message() -> None:
    enclosed = b"From: a@b.example\nContent-Type: message/rfc822\n\n" + message(EICAR)
    assert hits(FILTER, mail(enclosed)) == ["KNOWN_MALWARE"]


@pytest.mark.parametrize("payload", [b" " + EICAR, EICAR[:-1], EICAR + b"x", EICAR.lower(), EICAR + b" " * 61])
def test_not_eicar(payload: bytes) -> None:
    assert hits(FILTER, mail(message(payload))) == []


@pytest.mark.parametrize("payload", [b"MZ\x90\0" * 5000, b"x", bytes(range(256))])
def test_a_listed_file(payload: bytes) -> None:
    assert hits(FILTER, mail(message(payload))) == []
    assert hits(FILTER, mail(message(payload)), lists=[listed(payload)]) == ["KNOWN_MALWARE"]
    assert hits(FILTER, mail(message(payload + b"y")), lists=[listed(payload)]) == []


@pytest.mark.parametrize("encoding", ["7bit", "8bit", "quoted-printable"])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_a_listed_script_whatever_its_line_ends(encoding: str, ends: bytes) -> None:
    """On the way text has the line ends of the wire; the file that was found may have had others."""
    script = b"var a = 1;%bvar b = 2;%b"
    sent = message(script.replace(b"%b", b"\r\n"), encoding, 'Content-Type: text/javascript; name="a.js"')
    assert hits(FILTER, mail(sent), lists=[listed(script.replace(b"%b", ends))]) == ["KNOWN_MALWARE"]


def test_what_it_says() -> None:
    context = Context(lists=Lists([listed(b"x")]))
    (hit,) = FILTER.check(mail(message(b"x")), context)
    digest = hashlib.sha256(b"x").hexdigest()
    assert (hit.decides, hit.domain, hit.recipient) == (True, "", "")
    assert hit.because == f"the file 'a.zip' is {digest} (malware_hash of the platform)"
    (hit,) = FILTER.check(mail(b"\n" + EICAR), Context())
    assert hit.because == "a part of type text/plain is the EICAR test file"


def test_an_empty_part_is_no_file() -> None:
    assert hits(FILTER, mail(message(b"")), lists=[listed(b"")]) == []


def test_an_entry_ends() -> None:
    sent = mail(message(b"x"))
    for left, found in ((0, []), (1, ["KNOWN_MALWARE"])):
        entry = Entry(ListName.MALWARE_HASH, listed(b"x").value, expires=sent.now + timedelta(seconds=left))
        assert hits(FILTER, sent, lists=[entry]) == found


def test_abstains_where_not_all_was_looked_at() -> None:
    with pytest.raises(Abstain, match="a cap"):
        hits(FILTER, mail(b"\n" + b"a" * limits.MESSAGE_BYTES))
    assert hits(FILTER, mail(message(EICAR) + b"a" * limits.MESSAGE_BYTES)) == ["KNOWN_MALWARE"]


def test_nothing_is_cached() -> None:
    """The answer changes with the list."""
    assert FILTER.cache_key(mail(message(b"x"))) is None
