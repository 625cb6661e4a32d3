"""Row 17."""

import pytest

from tamis import limits
from tamis.filters.empty_mail import EmptyMail
from tamis.testing import hits, mail

FILTER = EmptyMail()
PART = "Content-Type: multipart/mixed; boundary=x\n\n--x\n\n--x\n{}\n--x--\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Subject: only a subject\n\n",
        "Subject: x\n\n \n\t\r\n\n",
        "Content-Type: text/html\n\n<html><head><title>t</title></head><body><p> &nbsp;<br></p></body></html>",
        "Content-Type: text/html\n\n<style>p { color: red }</style><script>x()</script><!-- comment -->",
        "Content-Type: text/plain; charset=utf-8\n\n\u200b\ufeff\u00ad\u2060\n",
        "Content-Type: text/html\n\n&#8203;&#xfeff;",
        "Content-Transfer-Encoding: base64\n\n\n",
        "Content-Transfer-Encoding: quoted-printable\n\n=20=\n=0A\n",
        PART.format("Content-Type: text/html\n\n<p></p>"),
        PART.format("Content-Disposition: attachment; filename=empty.txt\n\n"),
        PART.format("Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n"),
    ],
)
def test_hit(text: str) -> None:
    assert hits(FILTER, mail(text)) == ["EMPTY_MAIL"]


@pytest.mark.parametrize(
    "text",
    [
        "\nx",
        "\n.",
        "Content-Type: text/html\n\n<p>x</p>",
        'Content-Type: text/html\n\n<img src="cid:1">',
        'Content-Type: text/html\n\n<a href="http://example.com/"></a>',
        "Content-Type: text/html\n\n<svg></svg>",
        "Content-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n",
        PART.format("Content-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo="),
        PART.format("Content-Disposition: attachment; filename=a.txt\n\nx"),
        PART.format("Content-Type: application/pdf\n\n%PDF"),
        PART.format("Content-Type: message/rfc822\n\nSubject: returned\n\n"),
        "Content-Type: multipart/mixed\n\nno boundary, but text\n",
    ],
)
def test_clean(text: str) -> None:
    assert hits(FILTER, mail(text)) == []


def test_says_nothing_of_what_was_not_read() -> None:
    assert hits(FILTER, mail("\n" + " " * limits.MESSAGE_BYTES)) == []


def test_text_that_a_style_hides_is_text() -> None:
    """Styles are understood in part only, and the row decides."""
    assert hits(EmptyMail(), mail("Content-Type: text/html\n\n<p style='display:none'>hello</p>\n")) == []
