"""A rule file is changed under the running daemon: in force in every worker without a restart; a broken one is not."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tamis.message import Message
from tamis.postfix.client import SmtpSession
from tamis.postfix.instance import PrivatePostfix
from tamis.postfix.served import RunningTamis

pytestmark = pytest.mark.servers

PATIENCE = 30.0
WORKERS = 2
RULE = "[rule.wonder]\ndescription = 'a wonder'\npatterns = ['wonder widget']\ndecides = true\n"
TEXT = b"From: Ann <ann@sender.example>\nSubject: x\n\nour w o n d e r wi\xc2\xaddget\n".replace(
    b"\n\n", b"\nContent-Type: text/plain; charset=utf-8\n\n", 1
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the service user may read."""
    folder = Path(tempfile.mkdtemp(prefix="tamis-rules-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def verdicts(postfix: PrivatePostfix, number: int) -> set[bool]:
    """Whether the rule decided, on that many messages that each came over a connection of its own, all at once."""
    postfix.delivered.clear()
    sessions = [SmtpSession(postfix.smtp_port, "203.0.113.25", "mail.sender.example", "x") for _ in range(number)]
    for session in sessions:
        session.__enter__()
    try:
        for at, session in enumerate(sessions):
            assert session.send(TEXT, "ann@sender.example", [f"user{at}@example.org"]).accepted
    finally:
        for session in sessions:
            session.__exit__(None, None, None)
    deadline = time.monotonic() + PATIENCE
    while postfix.delivered.count() < number and time.monotonic() < deadline:
        time.sleep(0.05)
    messages = [Message(one.content) for one in postfix.delivered.all()]
    assert len(messages) == number
    return {"row=19 keywords" in (message.header("X-Tamis-Verdict") or "") for message in messages}


def test_a_changed_rule_file(can_run_postfix: None, folder: Path) -> None:
    settings = f'[policy]\nmode = "observe"\n[rules]\nfiles = ["{folder}"]\n'
    with RunningTamis(settings, daemon=f"workers = {WORKERS}") as tamis, PrivatePostfix(tamis.milter) as postfix:
        assert verdicts(postfix, 1) == {False}
        (folder / "a.toml").write_text(RULE)
        deadline = time.monotonic() + PATIENCE
        while verdicts(postfix, 8) != {True}:
            assert time.monotonic() < deadline
        (folder / "a.toml").write_text(RULE.replace("widget", "widget("))
        while "a ( is never closed" not in tamis.log_text():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert verdicts(postfix, 8) == {True}
        assert tamis.log_text().count("a mistake in the rules") == 1
        (folder / "a.toml").unlink()
        while verdicts(postfix, 8) != {False}:
            assert time.monotonic() < deadline
