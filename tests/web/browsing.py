"""The pages served on loopback, and a real Chromium that looks at them."""

import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import axe_playwright_python
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from tamis.config import Config, parse
from tamis.web.app import create_app

CHROMIUM = Path("/usr/bin/chromium")
_AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
_SERIOUS = ("serious", "critical")
PHONE = {"width": 375, "height": 740}
DESK = {"width": 1280, "height": 800}


def loopback(folder: Path, more: str = "") -> tuple[Config, socket.socket]:
    """A configuration whose pages are on a port of loopback, and the socket that listens there."""
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    text = f'[daemon]\nstate_directory = "{folder}"\nruntime_directory = "{folder}"\n[web]\nbase_url = "{base}"\n{more}'
    return parse(text, "x"), listener


@contextmanager
def served(config: Config, listener: socket.socket) -> Iterator[str]:
    """Serve the pages; hands out where they are."""
    server = uvicorn.Server(uvicorn.Config(create_app(config), log_level="warning", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield config.settings.web.base_url
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium that leaves nothing in anybody's home."""
    with tempfile.TemporaryDirectory(prefix="chromium-") as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), env={"HOME": home})
        try:
            yield browser
        finally:
            browser.close()


def log_in(page: Page, base: str, name: str, password: str) -> None:
    page.goto(f"{base}/console/login")
    page.fill("#name", name)
    page.fill("#password", password)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{base}/console")


def findings(page: Page) -> list[str]:
    """What axe finds serious or worse on the page as it is now."""
    # By the protocol of the browser, since the pages' own policy lets nothing in.
    page.evaluate(_AXE.read_text("utf-8"))
    found = page.evaluate("axe.run(document)")["violations"]
    return [
        f"{one['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:200]}"
        for one in found
        if one["impact"] in _SERIOUS
        for node in one["nodes"][:3]
    ]
