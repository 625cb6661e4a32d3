"""A real browser for tests: Debian's Chromium without a screen, and axe, which looks for what keeps people out."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--lang=en",
)
_SERIOUS = ("serious", "critical")


@contextmanager
def chromium() -> Iterator["Browser"]:
    """Start Chromium; skip, saying why, where it is not installed. English is what it asks for."""
    programs = [shutil.which("chromium"), shutil.which("chromedriver")]
    if None in programs:
        pytest.skip("Chromium is not installed: run 'make setup'")
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        options = ChromeOptions()
        options.binary_location = str(programs[0])
        for argument in (*_ARGUMENTS, f"--user-data-dir={folder}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        driver = Chrome(options=options, service=Service(programs[1]))
        try:
            driver.set_page_load_timeout(60)
            yield Browser(driver)
        finally:
            driver.quit()


class Browser:
    """What tests do in it."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver
        self.size(1100, 900)

    def size(self, width: int, height: int) -> None:
        """Be a window of that size, in CSS pixels."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._command("Emulation.setDeviceMetricsOverride", metrics)

    def dark(self, dark: bool) -> None:
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._command("Emulation.setEmulatedMedia", {"features": features})

    def scripts(self, allowed: bool) -> None:
        """Allow or forbid JavaScript."""
        self._command("Emulation.setScriptExecutionDisabled", {"value": not allowed})

    def language(self, language: str) -> None:
        self._command("Network.enable", {})
        self._command("Network.setExtraHTTPHeaders", {"headers": {"Accept-Language": language}})

    def _command(self, name: str, values: dict[str, Any]) -> None:
        self.driver.execute_cdp_cmd(name, values)  # type: ignore[no-untyped-call]

    def open(self, url: str) -> None:
        self.driver.get(url)

    @property
    def text(self) -> str:
        return self.driver.find_element(By.TAG_NAME, "body").text

    def click(self, css: str) -> None:
        self.driver.find_element(By.CSS_SELECTOR, css).click()

    def write(self, css: str, text: str) -> None:
        self.driver.find_element(By.CSS_SELECTOR, css).send_keys(text)

    def wait_for(self, css: str, seconds: float = 60) -> None:
        """Wait until something is there."""
        WebDriverWait(self.driver, seconds).until(lambda driver: driver.find_elements(By.CSS_SELECTOR, css))

    def wait_text(self, text: str, seconds: float = 60) -> None:
        """Wait until the page says something."""
        # The page may go while it is being read.
        wait = WebDriverWait(self.driver, seconds, ignored_exceptions=[StaleElementReferenceException])
        wait.until(lambda _: text in self.text)

    def wait_frame(self, text: str, seconds: float = 60) -> None:
        """Wait until the one frame of the page says something."""
        self.driver.switch_to.frame(self.driver.find_element(By.TAG_NAME, "iframe"))
        try:
            self.wait_text(text, seconds)
        finally:
            self.driver.switch_to.default_content()

    def complaints(self) -> list[str]:
        """What the browser complained of since this was last asked: blocked scripts, broken policies, errors."""
        entries: list[dict[str, Any]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [str(entry["message"]) for entry in entries if entry["level"] in ("SEVERE", "WARNING")]

    def barriers(self) -> list[str]:
        """What axe finds that keeps people out, seriously."""
        axe = files("axe_core_python").joinpath("axe.min.js").read_text("utf-8")
        self.driver.execute_script(axe)  # type: ignore[no-untyped-call]
        run = "const done = arguments[arguments.length - 1]; axe.run().then((found) => done(found.violations))"
        found: list[dict[str, Any]] = self.driver.execute_async_script(run)  # type: ignore[no-untyped-call]
        return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in _SERIOUS]

    def picture(self, path: Path) -> None:
        """Keep what is seen, as a PNG."""
        self.driver.save_screenshot(str(path))
