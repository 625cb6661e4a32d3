"""`make demo`, end to end: every message accounted for, and nothing left behind."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tamis.postfix.instance import PostfixUnavailable, require_postfix

ROOT = Path(__file__).resolve().parents[2]
MESSAGES = ROOT / "demo" / "messages"
INDEX = tomllib.loads((MESSAGES / "index.toml").read_text("utf-8"))["message"]


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for all that a demo makes: short, and open to other users."""
    try:
        require_postfix()
    except PostfixUnavailable as error:
        pytest.skip(str(error))
    folder = Path(tempfile.mkdtemp(prefix="d-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def demo(temporary: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the demo with `temporary` for its files."""
    return subprocess.run(
        [sys.executable, "-m", "demo", *arguments],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
    )


def processes_of(folder: Path) -> list[str]:
    """The living processes that have a file of the folder on their command line or in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in text:
            found.append(text[:200].decode("utf-8", "replace"))
    return found


@pytest.mark.servers
def test_every_message_is_accounted_for_and_nothing_is_left(temporary: Path) -> None:
    done = demo(temporary)
    assert done.returncode == 0, done.stdout + done.stderr
    count = len(INDEX)
    last = done.stdout.splitlines()[-1]
    assert last.startswith(f"{count} messages sent, {count} accounted for: {count - 2} delivered (")
    assert last.endswith(", 1 held, 1 held for some and delivered to others")
    assert "It arrived, every octet as it was sent." in done.stdout
    assert max(map(len, done.stdout.splitlines()[:-1])) <= 120
    assert list(temporary.iterdir()) == []
    assert processes_of(temporary) == []


@pytest.mark.servers
def test_somebodys_own_folder(temporary: Path, tmp_path: Path) -> None:
    for name in ("ham-plain.eml", "chinese.eml", "malformed.eml"):
        shutil.copy(MESSAGES / name, tmp_path)
    (tmp_path / "loop.eml").write_text("Delivered-To: a@b.example\nTo: a@b.example\nFrom: ?\n\nx\n")
    (tmp_path / "nothing.eml").write_bytes(b"")
    (tmp_path / "gone.eml").symlink_to("nowhere")
    os.mkfifo(tmp_path / "endless.eml")
    (tmp_path / "two\nlines.eml").write_text("Subject: x\n\nx\n")
    done = demo(temporary, "--mail", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\n2 unreadable, not sent: endless.eml, gone.eml\n" in done.stdout
    assert "two?lines.eml" in done.stdout
    assert "\n6 messages sent, 6 accounted for: 6 delivered (" in done.stdout


@pytest.mark.servers
def test_left_running_until_told_to_stop(temporary: Path) -> None:
    done = demo(temporary, "--keep")
    stop = re.search(r"scripts/as-root\.sh (\S+/stop)$", done.stdout, re.M)
    assert stop is not None, done.stdout + done.stderr
    assert processes_of(temporary)
    subprocess.run([stop.group(1)], check=True, capture_output=True, timeout=60)
    assert list(temporary.iterdir()) == []
    assert processes_of(temporary) == []


@pytest.mark.servers
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("moment", ["tamis-*/log", "tamis-*/start.log", "tamis-*/mail/all/new/*", "the end"])
def test_interrupted_at_any_moment_it_leaves_nothing_behind(
    temporary: Path, moment: str, number: signal.Signals
) -> None:
    """To the whole process group and twice, as a terminal and `make` do it."""
    running = subprocess.Popen(
        [sys.executable, "-m", "demo"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert running.stdout is not None
    if moment == "the end":
        for line in running.stdout:
            if line.startswith("All headers"):
                break
    else:
        deadline = time.monotonic() + 60
        while not list(temporary.glob(moment)) and time.monotonic() < deadline:
            time.sleep(0.005)
    for _ in range(2):
        os.killpg(running.pid, number)
        time.sleep(0.05)
    said = running.stdout.read()
    assert running.wait(60) == 128 + number, said
    assert "Traceback" not in said
    assert list(temporary.iterdir()) == []
    assert processes_of(temporary) == []


@pytest.mark.parametrize("folder", ["with a space", 'it\'s "quoted" $(exit 3) `x` $HOME \\ ; #'])
def test_make_hands_over_any_name_of_a_folder(tmp_path: Path, folder: str) -> None:
    """The line that make runs, without the setup before it."""
    command = ["make", "--dry-run", "--no-print-directory", "demo", f"MAIL={tmp_path / folder}"]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    words = shlex.split(lines[-1])
    assert words[-2:] == ["--mail", str(tmp_path / folder)]


@pytest.mark.servers
@pytest.mark.parametrize("what", ["missing", "empty", "file"])
def test_a_bad_folder_is_one_clear_line(temporary: Path, tmp_path: Path, what: str) -> None:
    path = tmp_path / what
    if what == "empty":
        path.mkdir()
    elif what == "file":
        path.write_text("")
    done = demo(temporary, "--mail", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"demo: [^\n]+\n", done.stderr)
    assert list(temporary.iterdir()) == []


def test_the_index_names_every_message() -> None:
    assert sorted(entry["file"] for entry in INDEX) == sorted(path.name for path in MESSAGES.glob("*.eml"))
