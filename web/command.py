"""`tamis web`: the server of the pages."""

import argparse
import socket
from pathlib import Path
from typing import Any, Final

from tamis.commands.common import add_config_option, load_config
from tamis.privileges import become_service_user

# Of proxies uvicorn is told nothing: `tamis.web.client` reads what they say.
_SETTINGS: Final[dict[str, Any]] = {
    "proxy_headers": False,
    "server_header": False,
    "access_log": False,
    "log_level": "warning",
    "limit_concurrency": 200,
    "timeout_keep_alive": 15,
    "timeout_graceful_shutdown": 10,
    "ws": "none",
    "lifespan": "off",
}


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register `tamis web`."""
    parser = commands.add_parser(
        "web",
        help="serve the pages for senders and recipients",
        description="Serve the pages for senders and recipients, behind a reverse proxy that does TLS. SIGTERM ends.",
    )
    add_config_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until told to stop; 1 where the socket or the secret cannot be had."""
    config = load_config(args)
    become_service_user(config)

    import uvicorn

    from tamis.web.app import create_app

    with listening(config.settings.web.listen) as listener:
        server = uvicorn.Server(uvicorn.Config(create_app(config), **_SETTINGS))
        server.run(sockets=[listener])
    return 0 if server.started else 1


def listening(where: str) -> socket.socket:
    """Return a socket that listens there. Raises `OSError`."""
    if where.startswith("unix:"):
        path = Path(where.removeprefix("unix:"))
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        # The reverse proxy is another user.
        path.chmod(0o666)
        listener.listen()
        return listener
    host, _, port = where.rpartition(":")
    address = host.strip("[]")
    return socket.create_server((address, int(port)), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
