"""Every path of the console."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from tamis.web.console import changes, decisions, health, held, lists, login, overview, replays


def routes() -> Sequence[BaseRoute]:
    """Return them, without the prefix of `web.base_url`."""
    subjects = (login, overview, replays, decisions, held, lists, health, replays, changes)
    return [route for subject in subjects for route in subject.ROUTES]
