"""A real browser for tests and pictures: Debian's Chromium without a screen, and axe, which looks for barriers."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from playwright import sync_api as playwright

DESK: Final = (1280, 800)
PHONE: Final = (375, 740)
"""Sizes of windows, in CSS pixels: width and height."""
_ARGUMENTS: Final = ("--disable-gpu", "--disable-quic", "--disable-sync")
_SERIOUS: Final = ("serious", "critical")
_PATIENCE_SECONDS: Final = 60.0


@contextmanager
def chromium() -> Iterator["Chromium"]:
    """Start Chromium, which leaves nothing in anybody's home; skip, saying why, where it is not installed."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed: run 'make setup'")
    with (
        TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as home,
        playwright.sync_playwright() as all_,
    ):
        browser = all_.chromium.launch(executable_path=program, args=_ARGUMENTS, env={"HOME": home})
        try:
            yield Chromium(browser)
        finally:
            browser.close()


class Chromium:
    """The program; each of its windows is somebody else's, with cookies of its own."""

    def __init__(self, browser: playwright.Browser) -> None:
        self._browser = browser

    @contextmanager
    def window(
        self, size: tuple[int, int] = DESK, *, dark: bool = False, scripts: bool = True, language: str = "en"
    ) -> Iterator["Window"]:
        """Open a window, with JavaScript or without; the language is what it asks for."""
        context = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            locale=language,
        )
        context.set_default_timeout(_PATIENCE_SECONDS * 1000)
        try:
            yield Window(context)
        finally:
            context.close()


class Window:
    """What tests do in it; `page` is for what they do only once."""

    def __init__(self, context: playwright.BrowserContext) -> None:
        self._said: list[str] = []
        context.on("console", lambda message: self._said.append(f"{message.type}: {message.text}"))
        context.on("weberror", lambda error: self._said.append(f"uncaught: {error.error}"))
        context.on("dialog", self._dismiss)
        self.page = context.new_page()

    def _dismiss(self, dialog: playwright.Dialog) -> None:
        self._said.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def size(self, width: int, height: int) -> None:
        """Be a window of that size, in CSS pixels."""
        self.page.set_viewport_size({"width": width, "height": height})

    def open(self, url: str) -> None:
        self.page.goto(url)

    @property
    def url(self) -> str:
        return self.page.url

    @property
    def title(self) -> str:
        return self.page.title()

    @property
    def text(self) -> str:
        """What can be read on the page."""
        return self.page.inner_text("body")

    def click(self, css: str) -> None:
        self.page.click(css)

    def write(self, css: str, text: str) -> None:
        """Type a text, key by key."""
        self.page.locator(css).press_sequentially(text)

    def wait_for(self, css: str, seconds: float = _PATIENCE_SECONDS) -> None:
        """Wait until something is there."""
        self.page.locator(css).first.wait_for(state="attached", timeout=seconds * 1000)

    def wait_text(self, text: str, seconds: float = _PATIENCE_SECONDS) -> None:
        """Wait until the page says something, and is all there."""
        _says(self.page.locator("body"), text, seconds)
        self.page.wait_for_load_state()

    def wait_frame(self, text: str, seconds: float = _PATIENCE_SECONDS) -> None:
        """Wait until the one frame of the page says something."""
        _says(self.page.frame_locator("iframe").locator("body"), text, seconds)

    def complaints(self) -> list[str]:
        """All that was said since this was last asked: blocked scripts, broken policies, errors, logs, dialogs."""
        # Events come in order: what was said before is here when this has been answered.
        self.page.evaluate("0")
        said, self._said[:] = self._said[:], []
        return said

    def barriers(self) -> list[str]:
        """What axe finds on the page as it is now that keeps people out, seriously.

        Of a window with scripts only: axe waits for a timer of the page, which never comes where there are none.
        """
        # By the protocol of the browser, since the pages' own policy lets nothing in.
        self.page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
        return [
            f"{one['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:200]}"
            for one in self.page.evaluate("axe.run(document)")["violations"]
            if one["impact"] in _SERIOUS
            for node in one["nodes"][:3]
        ]

    def picture(self, path: Path, whole: bool = False) -> None:
        """Keep what is seen, or the whole page, as a PNG."""
        self.page.screenshot(path=path, full_page=whole)


def _says(place: playwright.Locator, text: str, seconds: float) -> None:
    playwright.expect(place).to_contain_text(text, use_inner_text=True, timeout=seconds * 1000)
