"""Row 33: pages that ask or act. Each sign is found in a message written for it, and in no plain one."""

import base64

import pytest

from tamis import limits
from tamis.contract import Context
from tamis.filters.malformed_headers import MalformedHeaders
from tamis.phishing.page_signs import SIGNS
from tamis.testing import mail

FILTER = MalformedHeaders()
WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def page(body: str) -> str:
    return f"From: bob@example.net\nContent-Type: text/html; charset=utf-8\n\n{body}\n"


def attached(source: str, name: str = "invoice.html", kind: str = "text/html", text: str = "see the file") -> str:
    content = base64.b64encode(source.encode()).decode()
    return (
        "From: bob@example.net\nContent-Type: multipart/mixed; boundary=b\n\n"
        f"--b\nContent-Type: text/plain\n\n{text}\n"
        f"--b\nContent-Type: {kind}; name={name}\nContent-Disposition: attachment\n"
        f"Content-Transfer-Encoding: base64\n\n{content}\n--b--\n"
    )


def alternatives(plain: str, html: str) -> str:
    return (
        "From: bob@example.net\nContent-Type: multipart/alternative; boundary=b\n\n"
        f"--b\nContent-Type: text/plain\n\n{plain}\n--b\nContent-Type: text/html\n\n{html}\n--b--\n"
    )


def found(text: str) -> list[str]:
    context = Context(options=MalformedHeaders.Options())
    return [hit.name for hit in FILTER.check(mail(text), context) if hit.name in SIGNS]


HIDDEN = f"<div style='display:none'>{'hidden words ' * 60}</div>"
SMUGGLING = "<script>var b = new Blob([atob('AAAA')]); location.href = URL.createObjectURL(b)</script>"
FIRED = {
    "HTML_FORM": page("<form action='https://evil.example.org'><input name=user></form>"),
    "HTML_PASSWORD": page("<input type=password>"),
    "HTML_SCRIPT": page("<script>1</script>"),
    "HTML_HANDLER": page("<img src=x onerror='x()'>"),
    "HTML_REFRESH": page("<meta http-equiv=refresh content='0;url=https://evil.example.org'>"),
    "HTML_FRAME": page("<iframe src='https://evil.example.org'></iframe>"),
    "HTML_HIDDEN": page(f"<p>{'shown words here ' * 60}</p>{HIDDEN}"),
    "HTML_HIDDEN_MOST": page(f"<p>short</p>{HIDDEN}"),
    "HTML_SPLIT_WORDS": page("<p>wo<i></i>rd</p>" * 20),
    "HTML_CAPPED": page("<p>" * (limits.HTML_TAGS + 1)),
    "PAGE_ATTACHED": attached("<p>hello</p>"),
    "PAGE_ATTACHED_FORM": attached("<form action=x><input type=password></form>"),
    "PAGE_ATTACHED_SCRIPT": attached("<svg><script>1</script></svg>", "picture.svg", "image/svg+xml"),
    "PAGE_ATTACHED_REFRESH": attached("<meta http-equiv=refresh content='0;url=https://evil.example.org'>"),
    "PAGE_SMUGGLES": attached(SMUGGLING, "file.bin", "application/xhtml+xml"),
    "TEXT_ATTACHED": attached("x").replace("text/plain\n", "text/plain\nContent-Disposition: attachment\n"),
    "ALTERNATIVES_DIFFER": alternatives(
        " ".join(f"plain{letter * 3}" for letter in "abcdefghijklmnopqrstuvw"),
        " ".join(f"other{letter * 3}" for letter in "abcdefghijklmnopqrstuvw"),
    ),
}
TOGETHER = {
    "PAGE_ATTACHED_FORM": ["PAGE_ATTACHED"],
    "PAGE_ATTACHED_REFRESH": ["PAGE_ATTACHED"],
    "PAGE_SMUGGLES": ["PAGE_ATTACHED", "PAGE_ATTACHED_SCRIPT"],
    "TEXT_ATTACHED": ["PAGE_ATTACHED"],
}


def test_every_sign_has_its_message() -> None:
    assert list(FIRED) == list(SIGNS)


@pytest.mark.parametrize("name", FIRED)
def test_hit(name: str) -> None:
    """And nothing that is not bound to go with it."""
    assert sorted(found(FIRED[name])) == sorted([name, *TOGETHER.get(name, [])])


@pytest.mark.parametrize(
    "text",
    [
        page("<p>Hello</p><a href='https://example.org'>a page</a>"),
        page("<div style='display:none'>The list of messages shows: a sentence or two&zwnj;&nbsp;&zwnj;</div><p>x</p>"),
        page("<form action='https://example.org'><input type=hidden></form>"),
        page("<meta http-equiv=Content-Type content='text/html'><meta http-equiv=refresh content=30>"),
        page("<script type='application/ld+json'>{}</script>"),
        page("<p>D<b>ear</b> Ann</p>"),
        alternatives("see you tomorrow at ten", "<p>see you tomorrow at <b>ten</b></p>"),
        alternatives(" ".join(WORDS * 3), f"<p>{' '.join(WORDS * 3)}</p>"),
        alternatives("Your client does not show HTML.", f"<p>{' '.join(WORDS * 30)}</p>"),
        attached("<svg><path/></svg>", "logo.svg", "image/svg+xml"),
        attached("%PDF", "invoice.pdf", "application/pdf"),
        attached("some notes", "notes.txt", "text/plain"),
        "From: bob@example.net\n\natob( new Blob( are words of a programmer\n",
    ],
)
def test_clean(text: str) -> None:
    assert found(text) == []


def test_a_page_declared_as_nothing_in_particular_is_known_by_its_name() -> None:
    signs = found(attached(SMUGGLING, "invoice.HTM", "application/octet-stream"))
    assert signs == ["PAGE_ATTACHED", "PAGE_SMUGGLES", "PAGE_ATTACHED_SCRIPT"]
