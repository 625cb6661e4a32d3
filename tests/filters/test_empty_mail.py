"""Row 17: no text, no image, no attachment."""

import pytest

from tamis import limits
from tamis.filters.empty_mail import EmptyMail
from tamis.testing import hits, mail

EMPTY = {
    "nothing": "Subject: hello\n\n",
    "white space": "Subject: hello\n\n \t\n\u00a0\n",
    "zero-width characters": "Content-Type: text/plain; charset=utf-8\n\n\u200b\ufeff\u2060\n",
    "empty markup": "Content-Type: text/html\n\n<html><head><title>x</title></head><body><p>&nbsp;</p></body></html>\n",
    "only style": "Content-Type: text/html\n\n<style>p { color: red }</style><script>1</script>\n",
    "empty parts": (
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\n\n"
        "--b\nContent-Type: application/octet-stream\n\n\n--b--\n"
    ),
}
FULL = {
    "text": "\nhello\n",
    "a picture by its address": 'Content-Type: text/html\n\n<img src="http://example.org/x.png">\n',
    "a link around nothing": 'Content-Type: text/html\n\n<a href="http://example.org/"></a>\n',
    "an attachment": "Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0=\n",
    "an image": "Content-Type: image/gif\nContent-Transfer-Encoding: base64\n\nR0lGODlh\n",
    "an enclosed message": "Content-Type: message/rfc822\n\nSubject: returned\n\n",
    "text in a broken multipart": "Content-Type: multipart/mixed\n\nhello\n",
}


@pytest.mark.parametrize("kind", EMPTY)
def test_hit(kind: str) -> None:
    assert hits(EmptyMail(), mail(EMPTY[kind])) == ["EMPTY_MAIL"]


@pytest.mark.parametrize("kind", FULL)
def test_clean(kind: str) -> None:
    assert hits(EmptyMail(), mail(FULL[kind])) == []


def test_does_not_judge_what_it_has_not_seen_to_the_end() -> None:
    assert hits(EmptyMail(), mail("\n" + " " * limits.MESSAGE_BYTES + "text\n")) == []
