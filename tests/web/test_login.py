"""By the password of the mailbox: an IMAP server says whether it is right, and nobody can guess for long."""

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tamis.web import login
from tests.web.conftest import Visitor, settings, visitor

RIGHT = "\0bob@example.org\0a right one é"


@contextmanager
def imap(answer: str = "", greeting: str = "* OK ready") -> Iterator[str]:
    """A server that takes one password, on loopback; `answer` is what it says instead of yes or no."""

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb", buffering=0) as lines:
                lines.write(f"{greeting}\r\n".encode())
                while line := lines.readline():
                    tag, _, command = line.decode().strip().partition(" ")
                    asked.append(command)
                    if command.upper() == "CAPABILITY":
                        lines.write(f"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n{tag} OK done\r\n".encode())
                    elif command.upper().startswith("AUTHENTICATE"):
                        lines.write(b"+ \r\n")
                        said = base64.b64decode(lines.readline()).decode()
                        asked.append(said)
                        lines.write(f"{tag} {answer or ('OK' if said == RIGHT else 'NO')} x\r\n".encode())
                    else:
                        lines.write(f"{tag} OK done\r\n".encode())

    asked: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"imap://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def bob(tmp_path: Path) -> Iterator[Visitor]:
    with imap() as server:
        one = visitor(settings(tmp_path, more=f'login = "{server}"\n'))
        with closing(one.client):
            yield one


def test_the_right_password_opens_the_mailbox(bob: Visitor) -> None:
    assert "/held/login" in bob.get("/").text
    bob.get("/login")
    page = bob.post("/login", {"user": " bob@example.org ", "password": "a right one é"})
    assert page.url.path == "/held/mailbox"
    assert "bob@example.org" in page.text


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("bob@example.org", "wrong"),
        ("bob@example.org", ""),
        ("eve@example.org", "a right one é"),
        ("bob", "a right one é"),
        ("bob@example.org\0bob@example.org", "a right one é"),
        ("bob@example.org", "a\0right"),
        ("bob@example.org\r\nA1 LOGIN x y", "a right one é"),
        ("x" * 400 + "@example.org", "a right one é"),
    ],
)
def test_others_do_not(bob: Visitor, user: str, password: str) -> None:
    bob.get("/login")
    answer = bob.post("/login", {"user": user, "password": password})
    assert answer.status_code == 403
    assert "do not belong together" in answer.text
    assert password not in answer.text or not password
    assert bob.get("/mailbox").status_code == 410


@pytest.mark.slow
def test_nobody_guesses_for_long(bob: Visitor) -> None:
    bob.get("/login")
    answers = [bob.post("/login", {"user": "bob@example.org", "password": "x"}).status_code for _ in range(10)]
    assert answers == [403] * 10
    token = bob.hidden("form_token")
    last = bob.post("/login", {"user": "bob@example.org", "password": "a right one é", "form_token": token})
    assert last.status_code == 429


def test_another_site_logs_nobody_in(bob: Visitor) -> None:
    bob.get("/login")
    data = {"user": "bob@example.org", "password": "a right one é"}
    assert bob.client.post("/held/login", data=data).status_code == 403
    assert bob.get("/mailbox").status_code == 410


def test_a_server_that_says_nothing_is_not_the_password_s_fault(tmp_path: Path) -> None:
    for server in ("imap://127.0.0.1:1", "imaps://127.0.0.1:1"):
        with pytest.raises(login.ServerSilent):
            login.checked(server, "bob@example.org", "x")
    with imap(greeting="HTTP/1.1 400") as server, pytest.raises(login.ServerSilent):
        login.checked(server, "bob@example.org", "x")
    one = visitor(settings(tmp_path, more='login = "imap://127.0.0.1:1"\n'))
    one.get("/login")
    assert one.post("/login", {"user": "bob@example.org", "password": "x"}).status_code == 503


def test_there_is_no_such_page_unless_it_is_configured(browser: Visitor) -> None:
    assert browser.get("/login").status_code == 404
    assert "/held/login" not in browser.get("/").text
