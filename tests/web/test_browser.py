"""The browser that looks at our pages is awake: an empty list of complaints or barriers means that there are none."""

from collections.abc import Iterator

import pytest

from tests.web.browser import Window, chromium

pytestmark = [pytest.mark.servers, pytest.mark.slow]
POLICY = '<meta http-equiv="Content-Security-Policy" content="script-src http://127.0.0.1:*; img-src \'none\'">'


@pytest.fixture(scope="module")
def window() -> Iterator[Window]:
    with chromium() as browser, browser.window() as window:
        yield window


def test_axe_finds_an_image_without_words(window: Window) -> None:
    window.page.set_content("<html lang=en><title>x</title><main><h1>x</h1><img src=x></main>")
    assert [one.partition(":")[0] for one in window.barriers()] == ["image-alt"]


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        (f"{POLICY}<script>1</script>", "error: Executing inline script violates"),
        (f"{POLICY}<img src=http://127.0.0.1:1/>", "error: Loading the image"),
        ("<iframe sandbox srcdoc='<script>1</script>'></iframe>", "error: Blocked script execution"),
        ("<script>console.log('a word')</script>", "log: a word"),
        ("<script>throw Error('mine')</script>", "uncaught: mine"),
        ("<script>new Worker(URL.createObjectURL(new Blob(['throw Error(1)'])))</script>", "uncaught: 1"),
        ("<script>alert('look')</script>", "dialog: look"),
    ],
)
def test_complaints_are_heard(window: Window, page: str, complaint: str) -> None:
    window.open("about:blank")
    window.complaints()
    window.page.set_content(page)
    heard: list[str] = []
    for _ in range(100):
        heard += window.complaints()
        if heard:
            break
        window.page.wait_for_timeout(50)
    assert [one.startswith(complaint) for one in heard] == [True]
