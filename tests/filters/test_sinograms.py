"""Row 30: Han characters; Kana and Hangul by option."""

import pytest

from tamis.filters.sinograms import Sinograms
from tamis.testing import hits, mail


def text(words: str) -> bytes:
    return f"Content-Type: text/plain; charset=utf-8\n\n{words}\n".encode()


WITH = {
    "body": text("您好，发票代理"),
    "raw GB 2312 without a charset": b"Subject: hello\n\n" + "代理发票，联系电话，欢迎来电".encode("gb2312"),
    "declared GB 2312": b"Content-Type: text/plain; charset=gb2312\n\n" + "发票".encode("gb2312"),
    "Big5": b"Content-Type: text/plain; charset=big5\n\n" + "發票".encode("big5"),
    "subject": b"Subject: =?gb2312?B?t6LGsQ==?=\n\nhello\n",
    "extension B": text("\U00020000"),
    "URL": b"\nhttp://xn--fiqs8s/\n",
}


@pytest.mark.parametrize("where", WITH)
def test_hit(where: str) -> None:
    assert hits(Sinograms(), mail(WITH[where])) == ["SINOGRAMS"]


@pytest.mark.parametrize("words", ["hello", "Привет", "ひらがな カタカナ", "한국어", "naïve façade"])
def test_clean(words: str) -> None:
    assert hits(Sinograms(), mail(text(words))) == []


def test_kana_and_hangul_by_option() -> None:
    both = Sinograms.Options(kana=True, hangul=True)
    assert hits(Sinograms(), mail(text("カタカナ")), both) == ["KANA"]
    assert hits(Sinograms(), mail(text("한국어")), both) == ["HANGUL"]


def test_ratio() -> None:
    message = mail(text("A long English letter that quotes one word, 发票, of Chinese."))
    assert hits(Sinograms(), message, Sinograms.Options(ratio=0.01)) == ["SINOGRAMS"]
    assert hits(Sinograms(), message, Sinograms.Options(ratio=0.3)) == []
