"""Header fields of every answer: nothing from elsewhere, nothing inline, no frames, no referrer, nothing kept."""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CONTENT: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
FIELDS: Final = {
    "Content-Security-Policy": _CONTENT,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}
_TLS_ONLY: Final = "max-age=31536000"


class SecurityHeaders:
    """Puts the fields on each answer that does not have them by itself."""

    def __init__(self, app: ASGIApp, secure: bool) -> None:
        self._app = app
        self._fields = {**FIELDS, "Strict-Transport-Security": _TLS_ONLY} if secure else FIELDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._fields.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, answer)
