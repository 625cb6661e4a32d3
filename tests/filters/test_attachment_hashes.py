"""Row 26: files known to be bad, new ones that are everywhere, and what is odd about others."""

import base64
import gzip
import hashlib
import quopri
from collections.abc import Sequence
from datetime import timedelta

import pytest

from tamis import limits
from tamis.attachments import Attachments
from tamis.attachments.known_file import Columns
from tamis.contract import Abstain, Context
from tamis.counters import Counters
from tamis.filters.attachment_hashes import EVERYWHERE, AttachmentHashes
from tamis.lists import Entry, ListName, Lists
from tamis.mail import MailClass
from tamis.message import Message
from tamis.redis_client import RedisClient
from tamis.testing import hits, mail
from tests.attachments.making import PDF, PE, PNG, encrypted_zip, macros, office, text, zipped
from tests.redis_server import Server

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


def context(text: bytes, lists: Sequence[Entry] = ()) -> Context:
    return Context(FILTER.Options(), lists=Lists(lists), attachments=Attachments(Message(text)))


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
    assert "KNOWN_MALWARE" not in hits(FILTER, mail(message(payload)))
    assert hits(FILTER, mail(message(payload)), lists=[listed(payload)])[0] == "KNOWN_MALWARE"
    assert "KNOWN_MALWARE" not in hits(FILTER, mail(message(payload + b"y")), lists=[listed(payload)])


@pytest.mark.parametrize("encoding", ["7bit", "8bit", "quoted-printable"])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_a_listed_script_whatever_its_line_ends(encoding: str, ends: bytes) -> None:
    """On the way text has the line ends of the wire; the file that was found may have had others."""
    script = b"var a = 1;%bvar b = 2;%b"
    sent = message(script.replace(b"%b", b"\r\n"), encoding, 'Content-Type: text/javascript; name="a.js"')
    assert hits(FILTER, mail(sent), lists=[listed(script.replace(b"%b", ends))])[0] == "KNOWN_MALWARE"


def test_what_it_says() -> None:
    (hit,) = FILTER.check(mail(message(b"x")), context(message(b"x"), [listed(b"x")]))
    digest = hashlib.sha256(b"x").hexdigest()
    assert (hit.decides, hit.domain, hit.recipient) == (True, "", "")
    assert hit.because == f"the file 'a.zip' is {digest} (malware_hash of the platform)"
    (hit,) = FILTER.check(mail(b"\n" + EICAR), context(b"\n" + EICAR))
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


# --- what is new, runs and is everywhere


RECIPIENTS = [f"r{number}@example.org" for number in range(20)]


@pytest.fixture
def counters(server: Server) -> Counters:
    return Counters(RedisClient(server.url, 2.0))


@pytest.mark.servers
def test_a_new_program_to_many_recipients(counters: Counters) -> None:
    sent = text(("a.zip", zipped({"b.exe": PE})))
    for number in range(9):
        assert EVERYWHERE not in hits(FILTER, mail(sent, recipients=RECIPIENTS[number : number + 1]), counters=counters)
    # Whoever already got it counts once, in whatever archive it comes.
    other = text(("c.zip", zipped({"x": b"y", "d.exe": PE})))
    assert EVERYWHERE not in hits(FILTER, mail(other, recipients=RECIPIENTS[:9]), counters=counters)
    assert hits(FILTER, mail(other, recipients=RECIPIENTS[9:10]), counters=counters)[0] == EVERYWHERE
    assert EVERYWHERE not in hits(FILTER, mail(sent, recipients=["z@example.org"]), FILTER.Options(recipients=12))


@pytest.mark.servers
def test_what_is_known_for_long_is_not_new(counters: Counters) -> None:
    sent = mail(text(("b.exe", PE)), recipients=RECIPIENTS)
    for hours, new in ((23, True), (25, False)):
        since = int((sent.now - timedelta(hours=hours)).timestamp())
        known = Columns([(hashlib.sha256(PE).digest(), since), (bytes(32), 0)], []).known()
        assert (EVERYWHERE in hits(FILTER, sent, counters=counters, known_files=known)) is new


@pytest.mark.servers
def test_an_encrypted_archive_of_a_program_counts_itself(counters: Counters) -> None:
    sent = mail(text(("a.zip", encrypted_zip({"b.exe": PE}))), recipients=RECIPIENTS)
    assert hits(FILTER, sent, counters=counters) == [EVERYWHERE, "EXECUTABLE_ENCRYPTED", "ARCHIVE_ENCRYPTED"]


@pytest.mark.servers
def test_documents_and_outgoing_mail_are_not_counted(counters: Counters) -> None:
    assert hits(FILTER, mail(text(("a.pdf", PDF)), recipients=RECIPIENTS), counters=counters) == []
    sent = mail(text(("b.exe", PE)), recipients=RECIPIENTS)
    sent.mail_class = MailClass.OUTGOING
    assert EVERYWHERE not in hits(FILTER, sent, counters=counters)


def test_it_says_that_nobody_was_counted_without_redis() -> None:
    assert hits(FILTER, mail(text(("b.exe", PE)))) == ["EXECUTABLE_NOT_COUNTED", "EXECUTABLE_ATTACHED"]
    away = Counters(RedisClient("redis://127.0.0.1:1", 0.2))
    assert "EXECUTABLE_NOT_COUNTED" in hits(FILTER, mail(text(("b.exe", PE))), counters=away)


def test_a_listed_file_in_an_archive() -> None:
    sent = mail(text(("a.zip", zipped({"x.zip": zipped({"b.pdf": PDF})}))))
    assert hits(FILTER, sent, lists=[listed(PDF)]) == ["KNOWN_MALWARE"]
    assert hits(FILTER, mail(text(("a.zip", zipped({"e.txt": EICAR})))))[0] == "KNOWN_MALWARE"


# --- what only scores


@pytest.mark.parametrize(
    ("name", "content", "declared", "tests"),
    [
        ("a.exe", PE, "application/x-msdownload", ["EXECUTABLE_ATTACHED"]),
        ("a.zip", zipped({"b.scr": PE}), "application/zip", ["EXECUTABLE_IN_ARCHIVE"]),
        ("a.pdf.exe", PE, "application/octet-stream", ["EXECUTABLE_ATTACHED", "DOUBLE_ENDING"]),
        ("cod\u202efdp.exe", PE, "application/octet-stream", ["EXECUTABLE_ATTACHED", "REVERSED_NAME"]),
        (f"a.pdf{20 * ' '}.exe", PE, "x/y", ["EXECUTABLE_ATTACHED", "DOUBLE_ENDING", "PADDED_NAME"]),
        ("a.pdf", PE, "application/pdf", ["EXECUTABLE_ATTACHED", "DISGUISED_TYPE"]),
        ("a.zip", encrypted_zip({"b.pdf": PDF}), "application/zip", ["ARCHIVE_ENCRYPTED"]),
        ("a.gz", gzip.compress(bytes(5_000_000)), "application/gzip", ["ARCHIVE_BOMB"]),
        ("a.rar", b"Rar!\x1a\x07\0", "application/x-rar", ["ARCHIVE_NOT_READ"]),
        ("a.docm", office({"word/x.bin": macros("Sub A()\r\nEnd Sub")}), "x/y", ["MACROS", "MACROS_NOT_READ"]),
        ("a.docx", office({}), "x/y", []),
        ("a.jpg", PNG, "image/jpeg", []),
        ("www.example.com", b"a page that was saved", "text/plain", []),
    ],
)
def test_evidence(name: str, content: bytes, declared: str, tests: list[str]) -> None:
    found = hits(FILTER, mail(text((name, content, declared))))
    assert [test for test in found if test != "EXECUTABLE_NOT_COUNTED"] == tests


def test_evidence_decides_nothing_and_says_its_ground() -> None:
    sent = text(("a.pdf.exe", PE))
    found = list(FILTER.check(mail(sent), context(sent)))
    assert not any(hit.decides for hit in found)
    assert {hit.name: hit.amount for hit in found if hit.amount} == {"EXECUTABLE_ATTACHED": 1.5, "DOUBLE_ENDING": 2.5}
    assert found[1].because == "the file 'a.pdf.exe' runs when it is opened (pe)"
