"""The console in a real Chromium: without JavaScript, on a phone, in the dark, and what axe says of it."""

from collections.abc import Iterator

import pytest

from tamis.config import Config
from tests.history.deciding import made
from tests.quarantine.held import hold
from tests.web.browser import DESK, PHONE, Chromium, chromium
from tests.web.console import BOTH, furnish, log_in
from tests.web.serving import loopback, served
from tests.web.test_console_changes import store_of

pytestmark = [pytest.mark.servers, pytest.mark.slow]
PAGES = (
    "", "?span=fortnight", "/decisions", f"/decisions/{made(BOTH).id}", "/held", "/lists", "/policies", "/learning",
    "/health", "/rules", "/rules/proposals", "/audit", "/accounts", "/replay?mode=junk&off=spf",
)  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Config, str]]:
    config, listener = loopback(tmp_path_factory.mktemp("console"))
    furnish(config)
    hold(store_of(config))
    with served(config, listener) as base:
        yield config, base


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with chromium() as one:
        yield one


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious(site: tuple[Config, str], browser: Chromium, dark: bool) -> None:
    _, base = site
    with browser.window(PHONE if dark else DESK, dark=dark) as window:
        window.open(f"{base}/console/login")
        assert window.barriers() == []
        log_in(window, base, "root")
        for path in PAGES:
            window.open(f"{base}/console{path}")
            assert window.barriers() == [], path
            # Nothing sticks out to the side.
            assert window.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        assert window.complaints() == []


def test_everything_is_done_without_javascript_and_by_keyboard(site: tuple[Config, str], browser: Chromium) -> None:
    _, base = site
    with browser.window(PHONE, scripts=False) as window:
        page = window.page
        log_in(window, base, "olga")
        page.click("nav >> text=Decisions")
        page.fill("#text", "bob@example.org")
        page.keyboard.press("Enter")
        page.wait_for_url("**/decisions?text=bob*")
        page.click("ul.decisions a >> nth=0")
        assert "4 of 7 lists know 192.0.2.7" in page.inner_text("main")
        page.click("nav >> text=Held mail")
        page.check("input[name=copy]")
        page.click("text=Release what is ticked")
        page.wait_for_url("**/held?done=release&number=1")
        assert "On their way: 1." in page.inner_text("main")
        page.click("text=Log out")
        page.wait_for_url("**/console/login")
        window.open(f"{base}/console/held")
        assert window.url.endswith("/console/login")


def test_a_name_with_script_in_it_is_text(site: tuple[Config, str], browser: Chromium) -> None:
    _, base = site
    with browser.window() as window:
        log_in(window, base, "root")
        window.open(f"{base}/console/decisions?text=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
        window.open(f"{base}/console/decisions")
        assert "<script>alert(1)</script>@x.example" in window.page.inner_text("main")
        assert window.complaints() == []
