"""Every path of the console."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from tamis.web.console import changes, decisions, login, overview


def routes() -> Sequence[BaseRoute]:
    """Return them, without the prefix of `web.base_url`."""
    return [*login.ROUTES, *overview.ROUTES, *decisions.ROUTES, *changes.ROUTES]
