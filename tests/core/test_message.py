"""The message view: what a reader sees, whichever way the octets came, and whatever is broken about them."""

import base64
import re
import time
from email.message import EmailMessage

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tamis import limits
from tamis.html_page import read_page
from tamis.message import Message
from tamis.mime import Part

SIMPLE = b"From: Ann <ann@example.net>\nSubject: hello\n there\nTo: bob@example.org\n\nline one\nline two\n"


def part_of(header: str, body: bytes) -> Part:
    (part,) = Message(header.encode() + b"\n\n" + body).parts
    return part


def multipart(
    *parts: bytes, boundary: bytes = b"frontier", declared: bytes | None = None, closed: bool = True
) -> bytes:
    declared = b'"' + boundary + b'"' if declared is None else declared
    body = b"".join(b"--" + boundary + b"\n" + part + b"\n" for part in parts)
    end = b"--" + boundary + b"--\n" if closed else b""
    return b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=" + declared + b"\n\n" + body + end


# One message, however it comes


@pytest.mark.parametrize(
    "raw",
    [
        SIMPLE,
        SIMPLE.replace(b"\n", b"\r\n"),
        b"From ann@example.net Mon Jan  1 00:00:00 2024\n" + SIMPLE,
        b"From ann@example.net Mon Jan  1 00:00:00 2024\r\n" + SIMPLE.replace(b"\n", b"\r\n"),
        b">From ann@example.net Mon Jan  1 00:00:00 2024\n" + SIMPLE,
    ],
    ids=["lf", "crlf", "mbox", "mbox-crlf", "mbox-quoted"],
)
def test_reads_the_same_from_everywhere(raw: bytes) -> None:
    message, plain = Message(raw), Message(SIMPLE)
    assert message.raw == SIMPLE
    assert message.headers == plain.headers
    assert message.subject == "hello there"
    assert [box.address for box in message.authors] == ["ann@example.net"]
    assert message.text == "line one\nline two\n"
    assert message.digest == plain.digest
    assert message.size == len(raw)


def test_a_from_field_with_space_before_its_colon_is_no_mbox_separator() -> None:
    assert [box.address for box in Message(b"From : ann@example.net\nSubject: x\n\n").authors] == ["ann@example.net"]


@pytest.mark.parametrize("raw", [b"", b"\n", b"\r\n", b"From ", b"From x\n", b":", b" ", b"\0", b"x"])
def test_next_to_nothing(raw: bytes) -> None:
    message = Message(raw)
    assert message.authors == []
    assert message.subject == ""
    assert len(message.parts) == 1
    assert not message.capped


# Header fields


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n"])
def test_a_folded_last_field_is_whole(end: bytes) -> None:
    assert Message(b"Subject: one\n two\n\tthree" + end).subject == "one two\tthree"


def test_fields_of_one_name_in_order_and_any_case() -> None:
    message = Message(b"X-Tag: 1\nx-tag: 2\nX-TAG : 3\n\n")
    assert [field.text for field in message.fields("X-Tag")] == ["1", "2", "3"]
    assert message.header("x-TAG") == "1"
    assert message.header("x-other") is None


def test_a_line_that_is_no_field_ends_the_header() -> None:
    message = Message(b"Subject: x\nthis is no field\nTo: bob@example.org\n\nbody\n")
    assert message.header_block.ended_early
    assert message.header("to") is None
    assert message.body.startswith(b"this is no field\nTo:")


def test_a_header_without_body() -> None:
    message = Message(b"Subject: x\nTo: bob@example.org")
    assert message.header("to") == "bob@example.org"
    assert message.body == b""
    assert not message.header_block.ended_early


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"=?utf-8?q?caf=C3=A9?=", "café"),
        (b"=?UTF-8?B?Y2Fmw6k=?=", "café"),
        (b"=?iso-8859-1*fr?Q?caf=E9?=", "café"),
        (b"=?utf-8?q?a?= =?utf-8?q?b?= c", "ab c"),
        (b"=?utf-8?q?a?=\n =?utf-8?q?b?=", "ab"),
        (b"=?utf-8?b?ww==?= =?utf-8?b?qQ==?=", "é"),
        (b"=?gb2312?B?suLK1A==?=", "测试"),
        (b"=?no-such-charset?q?caf=C3=A9?=", "café"),
        (b"=?utf-8?q?under_score=5F?=", "under score_"),
        (b"=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        (b"=?utf-8?q?open", "=?utf-8?q?open"),
        (b"x=?utf-8?q?y?=z", "xyz"),
        (b"caf\xc3\xa9", "café"),
        (b"caf\xe9", "café"),
        (b"\xb2\xe2\xca\xd4\xb2\xe2\xca\xd4", "测试测试"),
    ],
)
def test_encoded_words(value: bytes, text: str) -> None:
    assert Message(b"Subject: " + value + b"\n\n").subject == text


@pytest.mark.parametrize(
    ("field", "filename"),
    [
        ("Content-Disposition: attachment; filename=a.txt", "a.txt"),
        ('Content-Disposition: attachment; filename="a b.txt"', "a b.txt"),
        (r'Content-Disposition: attachment; filename="a\"b.txt"', 'a"b.txt'),
        ("Content-Disposition: attachment; filename*=utf-8'fr'caf%C3%A9.txt", "café.txt"),
        ("Content-Disposition: attachment; filename*0=ca; filename*1=fe.txt", "cafe.txt"),
        ("Content-Disposition: attachment; filename*1=fe.txt; filename*0=ca", "cafe.txt"),
        ("Content-Disposition: attachment; filename*0*=iso-8859-1''caf%E9; filename*1=.txt", "café.txt"),
        ("Content-Disposition: attachment; filename==?utf-8?q?caf=C3=A9.txt?=", "café.txt"),
        ("Content-Type: text/plain; name=b.txt", "b.txt"),
        ("Content-Type: text/plain; name=b.txt\nContent-Disposition: inline; filename=c.txt", "c.txt"),
        ('Content-Type: text/plain;\n\tname="b.\n txt"', "b. txt"),
        ("Content-Disposition: attachment; filename=", ""),
        ("Content-Disposition: attachment; filename*=utf-8", "utf-8"),
        ('Content-Disposition: attachment; filename="open', "open"),
    ],
)
def test_filenames(field: str, filename: str) -> None:
    assert part_of(field, b"x").filename == filename


# Bodies


@pytest.mark.parametrize(
    ("encoding", "body", "payload"),
    [
        ("base64", b"aGVsbG8=\n", b"hello"),
        ("BASE64 ", b"aGVs\nbG8\n", b"hello"),
        ("base64", b"aGVsbG8", b"hello"),
        ("base64", b"aGVsbG8=\n=\n", b"hello"),
        ("base64", b"aGVsb!G8=\n", b"hello"),
        ("base64", b"a", b""),
        ("base64", b"", b""),
        ("base64", b"This is plain, you see: really not encoded!\n", b"This is plain, you see: really not encoded!\n"),
        ("quoted-printable", b"caf=C3=A9=\n!\n", "café!\n".encode()),
        ("quoted-printable", b"a=ZZ b=\xff =3", b"a=ZZ b=\xff =3"),
        ("7bit", b"=41\n", b"=41\n"),
        ("x-unknown", b"=41\n", b"=41\n"),
    ],
)
def test_transfer_encodings(encoding: str, body: bytes, payload: bytes) -> None:
    assert part_of(f"Content-Transfer-Encoding: {encoding}", body).payload == payload


@pytest.mark.parametrize(
    ("charset", "body", "text"),
    [
        ("utf-8", "été", "été"),
        ("iso-8859-1", b"\xe9t\xe9 \x80", "été €"),
        ("gb2312", "测试镕".encode("gb18030"), "测试镕"),
        ("us-ascii", "été", "été"),
        ("x-no-such", "été", "été"),
        ("utf-8", b"\xff", "\ufffd"),
        ("idna", b"abc", "abc"),
        ("rot13", b"abc", "abc"),
    ],
)
def test_charsets(charset: str, body: str | bytes, text: str) -> None:
    raw = body.encode() if isinstance(body, str) else body
    assert Message(f"Content-Type: text/plain; charset={charset}\n\n".encode() + raw).text == text


def test_raw_chinese_without_a_charset() -> None:
    words = "这是一封没有声明字符集的邮件"
    message = Message(b"Subject: " + words.encode("gb18030") + b"\n\n" + words.encode("gb18030"))
    assert message.subject == words
    assert message.text == words


def test_no_text_holds_lone_surrogates() -> None:
    """UTF-7 can spell them; text that cannot be encoded again would raise wherever it is used."""
    message = Message(b"Content-Type: text/plain; charset=utf-7\nSubject: =?utf-7?q?+2AA-?=\n\na+2AA-b +2D3eAA-")
    assert message.text.encode().decode() == message.text
    assert message.subject.encode().decode() == message.subject
    assert "\U0001f600" in message.text


def test_html_is_read_without_its_markup() -> None:
    html = "<html><head><title>t</title><style>p{}</style></head><body><p>one&nbsp;<b>two</b><script>x()</script></p>"
    message = Message(b"Content-Type: text/html\n\n" + html.encode())
    assert message.text.split() == ["one", "two"]


def test_urls_of_text_and_markup_once_each() -> None:
    raw = multipart(
        b"\nsee http://example.com/a, http://example.com/a and (www.example.org/b).\n",
        b'Content-Type: text/html\n\n<a href="https://example.net/?a=1&amp;b=2">x</a>',
    )
    assert Message(raw).urls == ("http://example.com/a", "www.example.org/b", "https://example.net/?a=1&b=2")


# Structure


def test_nested_multiparts_in_order() -> None:
    inner = multipart(b"\nb", b"\nc", boundary=b"inner")
    message = Message(multipart(b"\na", inner, b"\nd"))
    assert [part.payload.strip() for part in message.parts] == [b"a", b"b", b"c", b"d"]
    assert [part.depth for part in message.parts] == [1, 2, 2, 1]
    assert message.tree.containers == ["multipart/mixed", "multipart/mixed"]
    assert (message.tree.missing_boundaries, message.tree.unclosed) == (0, 0)


def test_an_inner_boundary_that_begins_with_the_outer_one() -> None:
    inner = multipart(b"\nb", boundary=b"x-1")
    assert [part.payload.strip() for part in Message(multipart(b"\na", inner, b"\nc", boundary=b"x")).parts] == [
        b"a",
        b"b",
        b"c",
    ]


def test_preamble_and_epilogue_are_no_parts() -> None:
    raw = multipart(b"\na").replace(b"\n\n--frontier", b"\n\npreamble\n--frontier", 1) + b"epilogue\n"
    assert [part.payload.strip() for part in Message(raw).parts] == [b"a"]


def test_an_unclosed_multipart_keeps_its_parts() -> None:
    message = Message(multipart(b"\na", b"\nb", closed=False))
    assert [part.payload.strip() for part in message.parts] == [b"a", b"b"]
    assert message.tree.unclosed == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Type: multipart/mixed\n\n--x\n\na\n--x--\n",
        b"Content-Type: multipart/mixed; boundary=never\n\n--x\n\na\n--x--\n",
        b"Content-Type: multipart/mixed; boundary=\n\n--\n\na\n----\n",
    ],
    ids=["none", "never-comes", "empty"],
)
def test_a_multipart_whose_boundary_is_missing_is_read_as_text(raw: bytes) -> None:
    """As clients show it: it would be a way to hide a text from every filter."""
    message = Message(raw)
    assert [part.content_type for part in message.parts] == ["text/plain"]
    assert "\na\n" in message.text
    assert message.tree.missing_boundaries == 1


@pytest.mark.parametrize(
    ("boundary", "declared"),
    [
        (b"=?us-ascii?Q?x?=", None),
        (b"\xe9t\xe9", None),
        (b"a b", None),
        (b" a", None),
        (b"a", b'"a "'),
        (b"a\\b", b'"a\\\\b"'),
        (b"(a)'+_,-./:=?", None),
    ],
)
def test_a_boundary_is_taken_to_the_letter(boundary: bytes, declared: bytes | None) -> None:
    """Clients compare octets; a boundary read in any other way would hide the parts from every filter."""
    message = Message(multipart(b"\na", b"\nb", boundary=boundary, declared=declared))
    assert [part.payload.strip() for part in message.parts] == [b"a", b"b"]


def test_enclosed_messages_are_opened() -> None:
    raw = multipart(b"\nsee below", b"Content-Type: message/rfc822\n\n" + multipart(b"\ninner", boundary=b"deep"))
    message = Message(raw)
    assert message.tree.containers == ["multipart/mixed", "message/rfc822", "multipart/mixed"]
    assert [part.payload.strip() for part in message.parts] == [b"see below", b"inner"]


@pytest.mark.parametrize(
    ("encoding", "inner"),
    [
        ("base64", base64.encodebytes(b"Subject: x\r\nContent-Type: text/html\r\n\r\n<p>hidden</p>")),
        ("quoted-printable", b"Subject: x\nContent-Type: text/html=\n\n\n<p>hid=64en</p>"),
    ],
)
def test_an_enclosed_message_may_be_encoded_although_it_must_not(encoding: str, inner: bytes) -> None:
    """RFC 2046, section 5.2.1, forbids it; clients decode and show it all the same."""
    head = f"Content-Type: message/rfc822\nContent-Transfer-Encoding: {encoding}\n\n"
    message = Message(multipart(head.encode() + inner))
    assert message.text.strip() == "hidden"
    assert message.parts[0].content_type == "text/html"


def test_parts_of_a_digest_are_messages() -> None:
    raw = multipart(b"\nSubject: one\n\nfirst", b"\nSubject: two\n\nsecond").replace(b"/mixed", b"/digest")
    message = Message(raw)
    assert [part.payload.strip() for part in message.parts] == [b"first", b"second"]
    assert message.tree.containers == ["multipart/digest", "message/rfc822", "message/rfc822"]


SHOWN = b"<p>Buy <b>pills</b> now, shipped worldwide</p>"
BASE64 = base64.b64encode(SHOWN)


@pytest.mark.parametrize(
    ("header", "body"),
    [
        (b"Content-Transfer-Encoding: base64 (a comment)", BASE64),
        (b"Content-Transfer-Encoding: (a comment) base64", BASE64),
        (b"Content-Transfer-Encoding: base64; x=y", BASE64),
        (b'Content-Transfer-Encoding: "base64"', BASE64),
        (b"Content-Transfer-Encoding:\n BASE64", BASE64),
        (
            b"Content-Transfer-Encoding: base64",
            b"\n".join(base64.b64encode(SHOWN[n : n + 10]) for n in range(0, 60, 10)),
        ),
        (b"Content-Transfer-Encoding: base64", b"!".join(BASE64[n : n + 5] for n in range(0, 80, 5))),
        (b"Content-Transfer-Encoding: base64", b" \t ".join(BASE64[n : n + 2] for n in range(0, 80, 2))),
        (b"Content-Disposition: attachment; filename=x.html", SHOWN),
    ],
)
@pytest.mark.parametrize(
    "kind",
    [b"text/html", b"text/html charset=utf-8", b"(a comment) text/html", b"text/html; charset=cp037", b"text / html"],
)
def test_what_a_client_shows_is_read(kind: bytes, header: bytes, body: bytes) -> None:
    message = Message(b"Content-Type: " + kind + b"\n" + header + b"\n\n" + body + b"\n")
    assert message.text.split() == ["Buy", "pills", "now,", "shipped", "worldwide"]


def test_plain_text_declared_as_base64_stays_as_it_is() -> None:
    text = b"Dear Ann, this was never encoded at all = see you (soon), as we said.\n" * 5
    assert Message(b"Content-Transfer-Encoding: base64\n\n" + text).text == text.decode()


def test_padding_without_end_takes_no_time() -> None:
    message = Message(b"Content-Transfer-Encoding: base64\n\n" + b"QQ=" * 1_000_000)
    began = time.perf_counter()
    assert message.text.startswith("AAAA")
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize("charset", ["cp037", "ibm500", "utf-32", "utf-32le"])
def test_letters_of_ascii_are_read_whatever_is_declared(charset: str) -> None:
    for text in ("Buy pills now", "Füße"):
        encoded = text.encode(charset)
        assert Message(f"Content-Type: text/plain; charset={charset}\n\n".encode() + encoded).text == text.lstrip(
            "\ufeff"
        )
    assert Message(f"Content-Type: text/plain; charset={charset}\n\nBuy pills now".encode()).text == "Buy pills now"


@pytest.mark.parametrize("declared", [b"", b"Content-Type:\n", b"Content-Type: text\n", b"Content-Type: ;charset=x\n"])
def test_what_declares_no_type_is_plain_text(declared: bytes) -> None:
    assert [part.content_type for part in Message(declared + b"\nx").parts] == ["text/plain"]


@pytest.mark.parametrize("declared", ["text/html (a comment); charset=utf-8", "Text/HTML ;charset=utf-8"])
def test_a_comment_does_not_change_the_type(declared: str) -> None:
    message = Message(f"Content-Type: {declared}\n\n<p>caf\u00e9</p>".encode())
    assert message.parts[0].content_type == "text/html"
    assert message.text.strip() == "café"


def test_attachments() -> None:
    def attached(header: str) -> bool:
        return part_of(header, b"x").is_attachment

    assert not attached("Content-Type: text/plain")
    assert attached("Content-Type: text/plain; name=a.txt")
    assert attached("Content-Type: text/plain\nContent-Disposition: attachment")
    assert attached("Content-Type: image/png")


# Caps


def test_a_cap_on_size() -> None:
    raw = b"Subject: x\n\n" + b"a" * limits.MESSAGE_BYTES
    message = Message(raw)
    assert message.size == len(raw)
    assert len(message.raw) == limits.MESSAGE_BYTES
    assert message.capped
    assert Message(b"Subject: x\n\n", size=limits.MESSAGE_BYTES + 1).capped
    assert not Message(b"Subject: x\n\n", size=limits.MESSAGE_BYTES).capped


def test_a_cap_on_parts() -> None:
    assert len(Message(multipart(*[b"\nx"] * limits.MIME_PARTS)).parts) == limits.MIME_PARTS
    message = Message(multipart(*[b"\nx"] * (limits.MIME_PARTS + 1)))
    assert len(message.parts) == limits.MIME_PARTS
    assert message.capped


def test_a_cap_on_depth() -> None:
    raw = b"\ninnermost"
    for level in range(limits.MIME_DEPTH):
        raw = multipart(raw, boundary=b"level-%d" % level)
    assert Message(raw).text.strip() == "innermost"
    assert not Message(raw).capped
    deeper = Message(multipart(raw, boundary=b"outer"))
    assert deeper.capped
    assert [part.content_type for part in deeper.parts] == ["multipart/mixed"]


def test_a_cap_on_nested_messages() -> None:
    message = Message(b"Content-Type: message/rfc822\n\n" * 10_000)
    assert message.capped
    assert message.tree.depth == limits.MIME_DEPTH


def test_a_cap_on_header_bytes() -> None:
    field = b"X-Long: " + b"a" * 1000 + b"\n"
    message = Message(field * 300 + b"Subject: beyond\n\nbody\n")
    assert message.capped
    assert message.header("subject") is None
    assert message.body == b"body\n"


def test_a_cap_on_one_folded_field() -> None:
    message = Message(b"X-Long: a\n" + b" folded line\n" * 30_000 + b"Subject: beyond\n\nbody\n")
    assert message.capped
    assert message.body == b"body\n"
    assert len(message.header("x-long") or "") == limits.HEADER_VALUE_CHARS


def test_a_cap_on_header_fields() -> None:
    message = Message(b"X: y\n" * (limits.HEADER_FIELDS + 1) + b"\nbody\n")
    assert len(message.headers) == limits.HEADER_FIELDS
    assert message.capped
    assert message.body == b"body\n"
    assert not Message(b"X: y\n" * limits.HEADER_FIELDS + b"\nbody\n").capped


def test_a_cap_on_text() -> None:
    message = Message(multipart(*[b"\n" + b"a" * limits.TEXT_BYTES] * 3))
    assert sum(len(source) for _, source in message.text_parts) == limits.TEXT_BYTES


def test_a_cap_on_urls() -> None:
    body = "\n".join(f"http://example.com/{number}" for number in range(2 * limits.URLS))
    assert len(Message(b"\n" + body.encode()).urls) == limits.URLS
    (url,) = Message(b"\nhttp://example.com/" + b"a" * 10_000).urls
    assert len(url) == limits.URL_CHARS


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 50_000 + "deep",
        "<p><b>" * 30_000 + "deep",
        "<div " + " ".join(f"a{number}" for number in range(40_000)) + ">deep",
        "<div " + " ".join(f'a{number}=">"' for number in range(25_000)) + ">deep",
        "<div " + " ".join(f"a{number}='<'" for number in range(25_000)) + ">deep",
        '<div x" ' + " ".join(f"a{number}" for number in range(40_000)) + '">deep',
        "<div/" + "/".join(f"a{number}" for number in range(40_000)) + ">deep",
        "".join("<body " + " ".join(f"a{tag}x{number}" for number in range(40)) + ">" for tag in range(900)),
        "<body " + "".join(f"a{number}='='" for number in range(20_000)) + ">deep",
        "<" * 200_000 + "deep",
        "<a " * 80_000 + "deep",
        "<!--" * 50_000 + "--> deep",
        "&amp" * 60_000 + " deep",
    ],
    ids=[
        "nested",
        "misnested",
        "attributes",
        "quoted-ends",
        "quoted-starts",
        "stray-quote",
        "slashes",
        "merged",
        "no-space",
        "less-than",
        "open-tags",
        "comments",
        "entities",
    ],
)
def test_hostile_html_is_read_in_bounded_time(html: str) -> None:
    raw = multipart(*[b"Content-Type: text/html\n\n" + html.encode()] * 4)
    started = time.process_time()
    text = Message(raw).text
    assert time.process_time() - started < 1
    assert isinstance(text, str)


def test_a_long_image_in_a_tag_does_not_cost_the_structure() -> None:
    image = base64.b64encode(bytes(range(256)) * 200).decode()
    assert read_page(f'<p>a</p><style>b</style><img src="data:image/png;base64,{image}">').text.split() == ["a"]


def test_the_standard_library_writes_what_we_read() -> None:
    written = EmailMessage()
    written["Subject"] = "Un été à la mer, avec une ligne assez longue pour être repliée par la bibliothèque"
    written.set_content("été\n")
    written.add_alternative("<p>été</p>\n", subtype="html")
    written.add_attachment(b"\0\1\2", maintype="application", subtype="octet-stream", filename="données.bin")
    message = Message(written.as_bytes())
    assert message.subject == written["Subject"]
    assert [part.content_type for part in message.parts] == ["text/plain", "text/html", "application/octet-stream"]
    assert message.parts[2].filename == "données.bin"
    assert message.parts[2].payload == b"\0\1\2"
    assert message.text.split() == ["été", "été"]


ANY_URL = re.compile(
    r"[:wW](?:(?:(?<=(?i:http):)|(?<=(?i:https):)|(?<=(?i:ftp):))//|(?<![\w./@-].)(?<=[wW])[wW][wW]\.)"
    r"[^\s<>\"'\x00-\x1f]{3,}"
)
"""URLs from their colon, or from www. on, by one pattern."""
PIECES = [
    "http",
    "HTTPs",
    "ftp",
    "://",
    ":",
    "//",
    "www.",
    "wWw.",
    "w",
    "W",
    ".",
    "a",
    "abc",
    " ",
    "\n",
    "@",
    "-",
    "<",
    "é",
    "\x01",
]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
@example("www.http://a.example/www.b.example www.c.example")
def test_urls_are_those_of_one_pattern(text: str) -> None:
    described = {}
    for match in ANY_URL.finditer(text):
        scheme = re.search(r"(?:https?|ftp)\Z", text[: match.start()][-5:], re.I) if match[0][0] == ":" else None
        described[(scheme[0] if scheme else "") + match[0]] = None
    message = Message(b"Content-Type: text/plain; charset=utf-8\n\n" + text.encode())
    assert message.urls == tuple(dict.fromkeys(url.rstrip(".,;:!?)]}") for url in described))
