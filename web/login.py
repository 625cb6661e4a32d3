"""The page of a mailbox by its own password, checked by the IMAP server that has the mailbox: nothing is kept of it."""

import imaplib
import ssl
from typing import Final
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tamis.addresses import normalise_address
from tamis.mail import parse_ip
from tamis.tokens import Purpose
from tamis.web.forms import Form, posted
from tamis.web.house import house_of
from tamis.web.pages import page
from tamis.web.visits import enter, limit

_SECONDS: Final = 10.0
_LONGEST: Final = 320
_TRIES: Final = 10
"""In ten minutes, of an address and of a mailbox."""


class ServerSilent(Exception):
    """The IMAP server gave no answer that says anything of a password."""


def checked(server: str, user: str, password: str) -> bool:
    """Whether an IMAP server takes a password. Without TLS it is asked on this machine alone. Raises `ServerSilent`."""
    url = urlsplit(server)
    host, port = url.hostname or "", url.port or (993 if url.scheme == "imaps" else 143)
    address = parse_ip(host)
    try:
        imap: imaplib.IMAP4
        if url.scheme == "imaps":
            imap = imaplib.IMAP4_SSL(host, port, ssl_context=ssl.create_default_context(), timeout=_SECONDS)
        else:
            imap = imaplib.IMAP4(host, port, timeout=_SECONDS)
        with imap:
            if url.scheme == "imap" and not (address is not None and address.is_loopback):
                imap.starttls(ssl.create_default_context())
            # Not LOGIN, which takes the name into the line as it is.
            return _authenticated(imap, f"\0{user}\0{password}".encode())
    except (OSError, imaplib.IMAP4.error) as error:
        raise ServerSilent(f"{type(error).__name__}: {error}") from None


def _authenticated(imap: imaplib.IMAP4, answer: bytes) -> bool:
    try:
        return imap.authenticate("PLAIN", lambda _challenge: answer)[0] == "OK"
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:
        return False


def _server(request: Request) -> str:
    """Return the server that is asked. Raises `HTTPException` 404 where there is none."""
    found = house_of(request).config.settings.web.login
    if not found:
        raise HTTPException(404)
    return found


def _show(request: Request) -> Response:
    _server(request)
    return page(request, "login.html", failed="")


def _enter(request: Request, form: Form) -> Response:
    server = _server(request)
    user, password = form.one("user").strip(), form.one("password")
    limit(request, "login", _TRIES)
    mailbox = normalise_address(user)
    limit(request, "login", _TRIES, mailbox)
    usual = "@" in user and "\0" not in user + password and len(user) <= _LONGEST and 0 < len(password) <= _LONGEST
    try:
        right = usual and checked(server, user, password)
    except ServerSilent:
        return page(request, "login.html", 503, failed="server")
    if not right:
        return page(request, "login.html", 403, failed="password")
    return enter(request, Purpose.MAILBOX, mailbox)


ROUTES: Final = (
    Route("/login", _show, methods=["GET"]),
    Route("/login", posted(_enter), methods=["POST"]),
)
