"""Answers Prometheus and load balancers over HTTP: /metrics, /healthz and /readyz. GET and HEAD only."""

import ipaddress
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from tamis.metrics.exposition import CONTENT_TYPE

_SECONDS: Final = 5.0
"""How long one connection may take to say what it wants, and to take the answer."""
_AT_ONCE: Final = 8
"""Connections that are answered at the same time; others are closed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered to one path."""

    body: str
    status: HTTPStatus = HTTPStatus.OK
    content_type: str = "text/plain; charset=utf-8"


Answer = Callable[[str], Reply | None]
"""Returns what to answer to a path; None: there is nothing."""


def metrics_reply(text: str) -> Reply:
    return Reply(text, content_type=CONTENT_TYPE)


class MetricsServer:
    """Listens on ADDRESS:PORT, from `start` to the end of the process or `close`."""

    def __init__(self, listen: str, answer: Answer) -> None:
        """Raises OSError where it cannot listen there."""
        host, _, port = listen.rpartition(":")
        host = host.strip("[]")
        handler = type("Handler", (_Handler,), {"answer_to": staticmethod(answer)})
        family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
        server = type("Server", (_Server,), {"address_family": family})
        self._server: ThreadingHTTPServer = server((host, int(port)), handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Another keeper may have listened there just before.
    allow_reuse_address = True

    def __init__(self, *arguments: Any) -> None:
        self._room = threading.BoundedSemaphore(_AT_ONCE)
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._room.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away, or says nothing, is nobody's fault."""


class _Handler(BaseHTTPRequestHandler):
    timeout = _SECONDS
    server_version = "tamis"
    sys_version = ""
    answer_to: Answer

    def do_GET(self) -> None:
        reply = self.answer_to(self.path.partition("?")[0])
        if reply is None:
            reply = Reply("there is /metrics, /healthz and /readyz\n", HTTPStatus.NOT_FOUND)
        content = reply.body.encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing of it belongs in the log."""
