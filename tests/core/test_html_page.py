"""HTML as a reader meets it: what is seen, what is hidden, what can be clicked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis import limits
from tamis.html_page import read_page
from tamis.message import Message


def seen(source: str) -> str:
    return " ".join(read_page(source).text.split())


@pytest.mark.parametrize(
    "source",
    [
        "V<b></b>iagra",
        "<b>V</b>iag<i>ra</i>",
        "Via<!-- x -->gra",
        "Vi<nothing>ag</nothing>ra",
        "Via<span style='display:none'>xyz</span>gra",
        "<a href=x>Via</a>gra",
    ],
)
def test_words_split_by_markup_are_one_word(source: str) -> None:
    assert seen(source) == "Viagra"
    assert read_page(source).split >= 1


@pytest.mark.parametrize(
    "source",
    [
        "<p>one<p>two",
        "one<br>two",
        "<table><td>one</td><td>two</td></table>",
        "<ul><li>one<li>two</ul>",
        "one<div>two</div>",
        "<div>one</div>two",
        "<span>one</span><span style='display:inline-block'>two</span>",
        "one<img src=x>two",
        "<style>.b{display:block}</style><span class=b>one</span>two",
    ],
)
def test_what_stands_apart_is_no_word(source: str) -> None:
    assert seen(source) == "one two"
    assert read_page(source).split == 0


@pytest.mark.parametrize(
    "hidden",
    [
        "<div style='display:none'>x</div>",
        "<div hidden>x</div>",
        "<div style='visibility:hidden'>x</div>",
        "<span style='font-size:0'>x</span>",
        "<font color=white>x</font>",
        "<table bgcolor=#123456><td style='color:#123456'>x</td></table>",
        "<div style='background:#222'><p style='color:#232323'>x</p></div>",
        "<p style='color:transparent'>x</p>",
        "<div style='display:none'><p style='display:block'>x</p></div>",
        "<style>.a{display:none}</style><p class='b a'>x</p>",
        "<style>#a{font-size:0px}</style><p id=a>x</p>",
        "<div style='position:absolute;top:-2000px'>x</div>",
    ],
)
def test_hidden_text_is_counted_and_not_read(hidden: str) -> None:
    page = read_page(f"<p>seen</p>{hidden}<p>too</p>")
    assert page.text.split() == ["seen", "too"]
    assert (page.shown, page.hidden) == (7, 1)


@pytest.mark.parametrize(
    "shown",
    [
        "<div style='font-size:0'><p style='font-size:13px'>x</p></div>",
        "<div style='visibility:hidden'><p style='visibility:visible'>x</p></div>",
        "<table bgcolor=black><td style='color:white'>x</td></table>",
        "<div style='background:url(a.png)'><p style='color:white'>x</p></div>",
        "<style>.dark{background:#000}</style><div class=dark><p style='color:white'>x</p></div>",
        "<style>td.dark p{background:#000}</style><div class=dark><p style='color:white'>x</p></div>",
        "<style>@media (max-width:600px){.a{display:none}}</style><p class=a>x</p>",
        "<p style='color:#eee'>x</p>",
    ],
)
def test_what_can_be_seen_is_read(shown: str) -> None:
    page = read_page(shown)
    assert page.text.split() == ["x"]
    assert page.hidden == 0


def test_padding_of_no_width_is_nothing() -> None:
    assert read_page("<div style='display:none'>hi&zwnj;&nbsp;&#847;&zwnj;&nbsp;&shy;</div>").hidden == 2


def test_links_with_their_text() -> None:
    (anchor,) = read_page("<p><a href='https://a.example/'>go <b>to</b>\n <img alt=x> b.example</a> more").anchors
    assert (anchor.href, anchor.text) == ("https://a.example/", "go to b.example")


def test_what_asks_for_input_or_runs() -> None:
    page = read_page(
        "<head><meta http-equiv=Refresh content='0; URL=https://a.example'></head>"
        "<body onload='x()'><form action='https://b.example'><input name=a><input type=password>"
        "<input type=hidden></form>"
        "<script>1</script><script type='application/ld+json'>{}</script><iframe src=x></iframe>"
    )
    assert page.actions == ["https://b.example"]
    assert (page.refreshes, page.inputs, page.passwords) == (1, 2, 1)
    assert (page.scripts, page.handlers, page.frames) == (1, 1, 1)
    assert page.text.strip() == ""


def test_a_page_that_is_too_large_is_text_alone() -> None:
    (page,) = Message(b"Content-Type: text/html\n\n" + b"<div>" * 2 * limits.HTML_TAGS + b"x").pages
    assert not page.complete
    assert page.text.strip() == "x"


def test_attached_text_is_read_where_there_is_no_other() -> None:
    attached = b"Content-Type: text/plain\nContent-Disposition: attachment\n\n%s\n"
    head = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n"
    assert Message(head + attached % b"pills" + b"--b--\n").text.split() == ["pills"]
    both = Message(head + attached % b"pills" + b"--b\nContent-Type: text/plain\n\nhello\n--b--\n")
    assert both.text.split() == ["hello"]


PIECES = """<a href=x>|</a>|<p>|<div style='font-size:0'>|<div style='color:#fff;background:red'>|</div>|<style>|.a{|}|
</style>|<b>|<!--|-->|<script>|</script>|<table>|<td>|<svg>|<math>|<template>|<meta http-equiv=refresh content=0>|
<form>|x|&#0;|&zwnj;|<head>|</head>|<body>|<title>|<select>|<option>|<frameset>|<html hidden>|<|>|'|"|é| |
<input type=password>"""


@given(st.lists(st.sampled_from(PIECES.replace("\n", "").split("|")), max_size=60))
def test_any_markup_is_read(pieces: list[str]) -> None:
    source = "".join(pieces)
    page = read_page(source)
    assert page.shown == 0 or page.text.strip()
    page.text.encode()
    for anchor in page.anchors:
        anchor.text.encode()


def test_alike_elements_look_as_what_is_around_them() -> None:
    cell = '<td style="color:white">{}</td>'
    page = read_page(
        f"<table bgcolor=black><tr>{cell.format('seen')}</table><table><tr>{cell.format('unseen')}</table>"
        f"<div hidden><table bgcolor=black><tr>{cell.format('nor')}</table></div>"
    )
    assert page.text.split() == ["seen"]
    assert page.hidden == len("unseen" + "nor")


@pytest.mark.parametrize("name", ["None", "none", ""])
def test_a_rule_for_an_id_is_not_for_what_has_none(name: str) -> None:
    """It would hide a whole letter from us that every client shows."""
    page = read_page(
        f"<style>#{name} {{ display: none }} .{name} {{ display: none }}</style><p>words</p><p class>more</p>"
    )
    assert page.text.split() == ["words", "more"]
    assert page.hidden == 0
