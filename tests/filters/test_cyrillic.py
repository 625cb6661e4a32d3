"""Row 29: Cyrillic in headers, body or URLs."""

import pytest

from tamis.filters.cyrillic import Cyrillic
from tamis.testing import hits, mail

WITH = {
    "body": "Content-Type: text/plain; charset=utf-8\n\nДобрый день\n".encode(),
    "body in KOI8-R": b"Content-Type: text/plain; charset=koi8-r\n\n" + "Привет".encode("koi8-r"),
    "base64 body": b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n0J/RgNC40LLQtdGC\n",
    "HTML": "Content-Type: text/html; charset=utf-8\n\n<p>&#1055;ривет</p>\n".encode(),
    "subject": b"Subject: =?windows-1251?B?z/Do4uXy?=\n\nhello\n",
    "author": b"From: =?utf-8?B?0JDQvdC90LA=?= <a@b.example>\n\nhello\n",
    "file name": b"Content-Type: application/pdf; name*=utf-8''%D0%A1%D1%87%D1%91%D1%82.pdf\n\nx\n",
    "URL": b"\nsee http://xn--e1afmkfd.xn--p1ai/path\n",
}


@pytest.mark.parametrize("where", WITH)
def test_hit(where: str) -> None:
    assert hits(Cyrillic(), mail(WITH[where])) == ["CYRILLIC"]


@pytest.mark.parametrize("text", ["hello", "ἀλφάβητος", "Füße à Noël", "漢字", "http://xn--bcher-kva.example/"])
def test_clean(text: str) -> None:
    assert hits(Cyrillic(), mail(f"Content-Type: text/plain; charset=utf-8\n\n{text}\n")) == []


def test_ratio() -> None:
    message = mail("Content-Type: text/plain; charset=utf-8\n\nMany English words around one name: Анна\n")
    assert hits(Cyrillic(), message, Cyrillic.Options(ratio=0.05)) == ["CYRILLIC"]
    assert hits(Cyrillic(), message, Cyrillic.Options(ratio=0.5)) == []


def test_broken_text_is_no_error() -> None:
    assert hits(Cyrillic(), mail(b"Content-Type: text/plain; charset=utf-8\n\n\xd0\xff\xfe\n")) == []
