"""Every path of the console."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from tamis.web.console import (
    api,
    changes,
    decisions,
    health,
    held,
    learning,
    lists,
    login,
    overview,
    policies,
    replays,
    rules,
)


def routes() -> Sequence[BaseRoute]:
    """Return them, without the prefix of `web.base_url`."""
    subjects = (login, overview, decisions, held, policies, lists, rules, learning, health, replays, changes, api)
    return [route for subject in subjects for route in subject.ROUTES]
