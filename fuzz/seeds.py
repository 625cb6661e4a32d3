"""The seeds of the fuzzer, made here: something well-formed of every kind, to be spoilt."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fuzz.targets import TARGETS

_HERE: Final = Path(__file__).parent
_MESSAGES: Final = _HERE.parent / "demo" / "messages"
_MULTIPART: Final = (
    b"From: =?utf-8?q?Ann?= <ann@sender.example>\nTo: bob@example.org\nSubject: =?iso-8859-1?b?6Q==?=\n"
    b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html; charset=utf-8\n\n"
    b"<p style='color:red'><a href='http://x.example/a?u=https%3A%2F%2Fy.example'>z.example</a></p>\n"
    b"--b\nContent-Type: application/zip; name*0*=utf-8''a%C3; name*1=b.zip\n"
    b"Content-Transfer-Encoding: base64\n\nUEsDBA==\n"
    b"--b\nContent-Type: message/rfc822\n\nSubject: inner\n\ntext\n--b--\n"
)
_WORDS: Final[dict[str, tuple[bytes, ...]]] = {
    "message": (_MULTIPART,),
    "headers": (
        b"=?utf-8?q?caf=C3=A9?= =?utf-8?b?Y2Fmw6k=?=",
        b"utf-7\0+AOk-",
        b"from a.example (b.example [192.0.2.1]) by c.example; Mon, 1 Jan 2024 10:00:00 +0100",
    ),
    "addresses": (
        b'"Ann, B" <ann@sender.example>, list: bob@example.org, c@[192.0.2.1];',
        b"@relay:ann@example.org",
        b"<>",
    ),
    "urls": (
        b"http://u:p@x.example:80/a?u=https%3A%2F%2Fy.example#f",
        b"hxxp://xn--caf-dma.example",
        b"http://0x7f.1/ www.x.example",
    ),
    "dns_packet": (
        b"\x80\0\7\0\0\0\0\0\1\0\0\0\0\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1",
        b"\x83\0\7\0\0\0\0\0\1\0\0\0\0\xc0\x0c\0\x0f\0\1\0\0\0\x3c\0\5\0\x0a\1a\0",
        b"\x87\0\7\0\0\0\0\0\1\0\0\0\0\xc0\x0c\0\x10\0\1\0\0\0\x3c\0\4\3abc",
        b"\x86\0\7\0\0\0\0\0\0\0\1\0\0\xc0\x0c\0\6\0\1\0\0\0\x3c\0\x18\xc0\x0c\1h\xc0\x0c\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5",
    ),
    "dns_name": (b"www.example.org", b"caf\xc3\xa9.example", b"xn--caf-dma.example.", b"_dmarc.example.org", b"."),
    "rules": (
        b'\0[rule.a]\ndescription = "x"\nscore = 1\npatterns = ["viagra", "c[i1]alis"]\n'
        b'[rule.b]\nexpression = "not a"\n',
        b"\x60a and (b or not c-d) and 2 of (a, b, c-d)",
        b"\xb0v[i1]agra|(?:cheap|free) pills{1,5}\0x free pills, xv1agrax",
        b"\xb0(?m)\\bclaim.{0,9}(?:pri[zs]e|[a-z]+ gift)$\0claim it\nclaim your x gift\nclaim prise",
    ),
    "tokens": (b"AAAAAAAAAAAAAAAAAAAAADE3MDAwMDAwMDA6c3ViamVjdA", b"-_-_"),
    "callbacks": (
        b"Cmail.sender.example\0" b"198.51.100.7\xffOmail.sender.example\xff"
        b"M<ann@sender.example>\0SIZE=1\xffR<bob@example.org>\xff"
        b"HFrom\0 ann@sender.example\xffHSubject\0 hello\xffBhello\r\n\xffE\xffM<>\xffR<c@example.org>\xffA\xffE",
        b"{{auth_authen}\0ann\xffC[192.0.2.1]\0IPv6:2001:db8::1\xffM<a@b>\xffR<c@d>\xffHX-Spam-Status\0 Yes\xffE",
    ),
}  # fmt: skip


def seeds(name: str) -> Iterator[bytes]:
    """Yield the seeds of a target, and what was found by it before."""
    yield from _WORDS[name]
    if name in ("message", "callbacks"):
        for path in sorted(_MESSAGES.glob("*.eml")):
            octets = path.read_bytes()
            if name == "message":
                yield octets
            else:
                header, _, body = octets.replace(b"\xff", b"").partition(b"\n\n")
                fields = b"".join(b"H%s\0%s\xff" % tuple(line.split(b":", 1)) for line in _lines(header))
                yield (
                    b"Ca.example\x00203.0.113.9\xffM<a@b.example>\xffR<bob@example.org>\xff"
                    + fields
                    + b"B"
                    + body
                    + b"\xffE"
                )
    yield from (path.read_bytes() for path in found(name))


def _lines(header: bytes) -> list[bytes]:
    return [line for line in header.replace(b"\n\t", b" ").replace(b"\n ", b" ").split(b"\n") if b":" in line]


def found(name: str) -> list[Path]:
    """The inputs that were findings once."""
    assert name in TARGETS
    return sorted((_HERE / "found" / name).glob("*"))
