"""Row 29."""

import pytest

from tamis.filters.cyrillic import Cyrillic
from tamis.testing import hits, mail

FILTER = Cyrillic()
UTF8 = "Content-Type: text/plain; charset=utf-8\n\n"


@pytest.mark.parametrize(
    "text",
    [
        UTF8 + "Привет",
        "Content-Type: text/plain; charset=koi8-r\nContent-Transfer-Encoding: base64\n\n8NLJ18XU\n",
        "Content-Type: text/html\n\n<p>&#1055;&#1088;</p>",
        "Subject: =?utf-8?b?0J/RgNC40LLQtdGC?=\n\nbody",
        "Subject: Привет\n\nbody",
        "From: =?utf-8?b?0J/RgNC40LLQtdGC?= <ann@example.net>\n\nbody",
        "To: Привет <bob@example.org>\n\nbody",
        "\nhttp://xn--e1afmkfd.example/",
        "\nhttp://a.example/%D0%BF%D1%80%D0%B8?x=%zz",
        "Content-Disposition: attachment; filename*=utf-8''%D0%9F.txt\n\nx",
        "From: <ann@xn--e1afmkfd.example>\n\nbody",
        "List-Unsubscribe: <https://a.example/%D0%BF>\n\nbody",
        "X-Campaign: =?utf-8?b?0J/RgNC40LLQtdGC?=\n\nbody",
        "Comments: Привет\n\nbody",
        UTF8 + "pаypal",
        UTF8 + "\u0452",
    ],
    ids=[
        "body",
        "koi8",
        "entity",
        "encoded-word",
        "raw",
        "author",
        "to",
        "url",
        "escaped",
        "file-name",
        "author-domain",
        "list-field",
        "other-field",
        "comments",
        "one-letter",
        "serbian",
    ],
)
def test_hit(text: str) -> None:
    assert hits(FILTER, mail(text)) == ["CYRILLIC"]


@pytest.mark.parametrize("text", ["", UTF8 + "Hello, où êtes-vous? Ωμέγα 你好", "\nhttp://xn--bcher-kva.example/"])
def test_clean(text: str) -> None:
    assert hits(FILTER, mail(text)) == []


def test_ratio() -> None:
    text = UTF8 + "абв" + "x" * 27
    assert hits(FILTER, mail(text), Cyrillic.Options(ratio=0.1)) == ["CYRILLIC"]
    assert hits(FILTER, mail(text), Cyrillic.Options(ratio=0.11)) == []
    assert hits(FILTER, mail(UTF8 + "абв"), Cyrillic.Options(ratio=1.0)) == ["CYRILLIC"]
    assert hits(FILTER, mail("\n"), Cyrillic.Options(ratio=0.0)) == []


def test_a_share_is_taken_of_what_a_reader_sees() -> None:
    machine = "X-Id: " + "x" * 5000 + "\n"
    assert hits(FILTER, mail(machine + UTF8 + "абв"), Cyrillic.Options(ratio=1.0)) == ["CYRILLIC"]
    assert hits(FILTER, mail("X-Id: абв\n" + UTF8 + "x"), Cyrillic.Options(ratio=0.1)) == []


def test_what_hosts_on_the_way_wrote_does_not_count() -> None:
    assert hits(FILTER, mail("Received: from xn--e1afmkfd.example (Привет)\n\nbody")) == []


def test_an_undecodable_name_of_a_host_is_left_as_it_is() -> None:
    assert hits(FILTER, mail("\nhttp://xn--99999999999999999999.example/ http://xn--\xff.example/")) == []


def test_text_that_a_style_hides_is_no_less_in_the_body() -> None:
    text = "Content-Type: text/html; charset=utf-8\n\n<p>hello</p><p style='display:none'>привет</p>\n"
    assert hits(Cyrillic(), mail(text)) == ["CYRILLIC"]
    assert hits(Cyrillic(), mail(text), Cyrillic.Options(ratio=0.1)) == []
