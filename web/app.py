"""The application: every page at its path, errors as pages, header fields for all."""

from collections.abc import Sequence
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from tamis.config import Config
from tamis.web import login, mailbox, release
from tamis.web.console import routes as console
from tamis.web.house import build_house, house_of
from tamis.web.pages import page
from tamis.web.security import FIELDS, SecurityHeaders
from tamis.web.templating import STATIC

_KEPT: Final = "public, max-age=31536000, immutable"
_ERRORS: Final = (400, 403, 404, 405, 410, 413, 415, 429)


def routes() -> Sequence[BaseRoute]:
    """Return every path, without the prefix of `web.base_url`. Each subject has its own module with `ROUTES`."""
    return [
        Route("/", _front, methods=["GET"]),
        Route("/health", _health, methods=["GET"]),
        *console.routes(),
        Mount("/static", _Static(directory=STATIC)),
        *release.ROUTES,
        *mailbox.ROUTES,
        *login.ROUTES,
    ]


def create_app(config: Config) -> Starlette:
    """Return the application. Raises `OSError` where the site's secret cannot be read."""
    house = build_house(config)
    paths = routes()
    app = Starlette(
        routes=[Mount(house.prefix, routes=paths)] if house.prefix else paths,
        middleware=[Middleware(SecurityHeaders, secure=house.secure)],
        exception_handlers={HTTPException: _error, ClientDisconnect: _gone, Exception: _broken},
    )
    app.state.house = house
    return app


class _Static(StaticFiles):
    """Files that browsers keep: their paths change with them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = _KEPT
        return response


def _front(request: Request) -> Response:
    return page(request, "front.html", login=bool(house_of(request).config.settings.web.login))


def _health(request: Request) -> Response:
    """Say whether pages can be answered: 200, or 503 while the database does not answer."""
    try:
        with house_of(request).store.reading():
            return PlainTextResponse("ok\n")
    except Exception:  # Whatever it is, somebody else should be asked.
        return PlainTextResponse("the database does not answer\n", 503)


def _error(request: Request, error: Any) -> Response:
    status = error.status_code if error.status_code in _ERRORS else 400
    response = page(request, "error.html", status, error=status)
    response.headers.update(error.headers or {})
    return response


def _gone(request: Request, error: Exception) -> Response:
    """Answer who is no longer there: a body that stops is no fault of ours, with a traceback in the log."""
    return PlainTextResponse("", 400)


def _broken(request: Request, error: Exception) -> Response:
    response = page(request, "error.html", 500, error=500)
    # Starlette answers so from outside of what adds them.
    response.headers.update(FIELDS)
    return response
