"""The pages served on loopback, for a browser."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from tamis.config import Config, parse
from tamis.web.app import create_app


def loopback(folder: Path, more: str = "") -> tuple[Config, socket.socket]:
    """A configuration whose pages are on a port of loopback, and the socket that listens there."""
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    text = f'[daemon]\nstate_directory = "{folder}"\nruntime_directory = "{folder}"\n[web]\nbase_url = "{base}"\n{more}'
    return parse(text, "x"), listener


@contextmanager
def served(config: Config, listener: socket.socket) -> Iterator[str]:
    """Serve the pages; hands out where they are."""
    server = uvicorn.Server(uvicorn.Config(create_app(config), log_level="warning", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield config.settings.web.base_url
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
