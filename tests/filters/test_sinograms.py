"""Row 30."""

import pytest

from tamis.filters.sinograms import Sinograms
from tamis.testing import hits, mail

FILTER = Sinograms()
ALL = Sinograms.Options(kana=True, hangul=True)
UTF8 = "Content-Type: text/plain; charset=utf-8\n\n"


@pytest.mark.parametrize(
    "text",
    [
        (UTF8 + "你好").encode(),
        b"Content-Type: text/plain; charset=gb2312\n\n" + "你好世界".encode("gb18030"),
        b"Subject: =?gb2312?B?xOO6ww==?=\n\nbody",
        b"\n" + "没有声明字符集".encode("gb18030"),
        (UTF8 + "\U00020000").encode(),
        b"\nhttp://xn--fsqu00a.example/",
        b"X-Campaign: =?gb2312?B?xOO6ww==?=\n\nbody",
    ],
    ids=["utf-8", "gb2312", "subject", "raw", "extension-b", "url", "other-field"],
)
def test_hit(text: bytes) -> None:
    assert hits(FILTER, mail(text)) == ["SINOGRAMS"]


def test_kana_and_hangul_are_options() -> None:
    assert hits(FILTER, mail(UTF8 + "ひらがな カタカナ 한글")) == []
    assert hits(FILTER, mail(UTF8 + "ひらがな"), ALL) == ["KANA"]
    assert hits(FILTER, mail(UTF8 + "ｶﾀｶﾅ"), ALL) == ["KANA"]
    assert hits(FILTER, mail(UTF8 + "한글"), ALL) == ["HANGUL"]
    assert hits(FILTER, mail(UTF8 + "漢字 かな 한글"), ALL) == ["SINOGRAMS", "KANA", "HANGUL"]


@pytest.mark.parametrize(
    "text", ["", UTF8 + "Hello, été Привет Ωμέγα — “quoted” ・。", "\nhttp://xn--bcher-kva.example/"]
)
def test_clean(text: str) -> None:
    assert hits(FILTER, mail(text), ALL) == []


def test_ratio() -> None:
    text = UTF8 + "漢字" + "x" * 18
    assert hits(FILTER, mail(text), Sinograms.Options(ratio=0.1)) == ["SINOGRAMS"]
    assert hits(FILTER, mail(text), Sinograms.Options(ratio=0.11)) == []
