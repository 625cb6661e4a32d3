"""What styles say about whether text is seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis import css


@pytest.mark.parametrize(
    "style",
    [
        "display:none",
        "DISPLAY : None !important",
        "dis/* x */play:none",
        "d\\69splay:none",
        "opacity:0",
        "opacity: 0.01",
        "position:absolute; left:-9999px",
        "text-indent:-100em",
        "max-height:0;overflow:hidden",
        "width:1px;height:1px;overflow:hidden",
    ],
)
def test_removes(style: str) -> None:
    assert css.removes(css.declarations(style))


@pytest.mark.parametrize(
    "style",
    [
        "",
        "display:block",
        "opacity:.5",
        "left:-9999px",
        "position:absolute;left:-5px",
        "max-height:0",
        "height:100px;overflow:hidden",
        "mso-hide:all",
        "nonsense",
        ":;:;",
    ],
)
def test_does_not_remove(style: str) -> None:
    assert not css.removes(css.declarations(style))


@pytest.mark.parametrize(
    ("style", "size"),
    [
        ("font-size:0", 0),
        ("font-size: 1PX", 1),
        ("font-size:12pt", 16),
        ("font-size:1em", 16),
        ("font:0/0 a", 0),
        ("font: bold 12px arial", 12),
        ("font: 700 1px arial", 1),
        ("font-size:large", None),
        ("font: inherit", None),
        ("color:red", None),
    ],
)
def test_font_size(style: str, size: float | None) -> None:
    assert css.font_size(css.declarations(style)) == size


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("#fff", "white", True),
        ("#FEFEFE", "rgb(255, 255, 255)", True),
        ("fdfdfd", "#ffffff", True),
        ("rgba(250,250,250,.9)", "white", True),
        ("#eee", "white", False),
        ("black", "white", False),
        ("currentcolor", "currentcolor", False),
        ("transparent", "transparent", False),
    ],
)
def test_colours(one: str, other: str, same: bool) -> None:
    assert css.look_alike(css.colour(one), css.colour(other)) is same


def test_transparent_is_no_colour() -> None:
    assert css.colour("rgba(1, 2, 3, 0)") == css.colour("transparent") == "transparent"


def test_rules_of_a_class_an_id_and_an_element() -> None:
    sheet = """/* c */ .a, p.b {display:none} #c{font-size:0} span { color : red }
        @media screen { .d {display:none} } .e .f{display:none} .g:hover{display:none} .h{display:none"""
    assert [selector for selector, _ in css.rules(sheet)] == [".a", ".b", "#c", "span"]


@given(st.text(alphabet=st.sampled_from("a:;{}@/*.#\\0-% (),p x\n"), max_size=200))
def test_never_raises(text: str) -> None:
    list(css.rules(text))
    style = css.declarations(text)
    css.removes(style)
    css.font_size({"font": text})
    css.font_size({"font-size": text})
    css.colour(text)
