"""The console in a real Chromium: without JavaScript, on a phone, in the dark, and what axe says of it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tamis.config import Config
from tests.history.deciding import made
from tests.quarantine.held import hold
from tests.web.browsing import CHROMIUM, DESK, PHONE, chromium, findings, log_in, loopback, served
from tests.web.console import BOTH, PASSWORD, furnish
from tests.web.test_console_changes import store_of

pytestmark = [
    pytest.mark.servers,
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="there is no Chromium"),
]
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
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing_serious(site: tuple[Config, str], browser: Browser, colours: str) -> None:
    _, base = site
    context = browser.new_context(color_scheme=colours, viewport=DESK if colours == "light" else PHONE)  # type: ignore[arg-type]
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{base}/console/login")
    assert findings(page) == []
    log_in(page, base, "root", PASSWORD)
    for path in PAGES:
        page.goto(f"{base}/console{path}")
        assert findings(page) == [], path
        # Nothing sticks out to the side.
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
    assert said == []
    context.close()


def test_axe_is_awake(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<html lang=en><title>x</title><main><h1>x</h1><img src=x></main>")
    assert [one.partition(":")[0] for one in findings(page)] == ["image-alt"]
    page.close()


def test_everything_is_done_without_javascript_and_by_keyboard(site: tuple[Config, str], browser: Browser) -> None:
    _, base = site
    context = browser.new_context(java_script_enabled=False, viewport=PHONE)  # type: ignore[arg-type]
    page = context.new_page()
    log_in(page, base, "olga", PASSWORD)
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
    page.goto(f"{base}/console/held")
    assert page.url.endswith("/console/login")
    context.close()


def test_a_name_with_script_in_it_is_text(site: tuple[Config, str], browser: Browser) -> None:
    _, base = site
    context = browser.new_context()
    page = context.new_page()
    alerts: list[str] = []
    page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
    log_in(page, base, "root", PASSWORD)
    page.goto(f"{base}/console/decisions?text=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    page.goto(f"{base}/console/decisions")
    assert "<script>alert(1)</script>@x.example" in page.inner_text("main")
    assert alerts == []
    context.close()
