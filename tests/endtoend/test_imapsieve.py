"""Into Junk learns spam, out of it ham: a real Dovecot set up as docs/delivery.md says, and the real daemon."""

import grp
import imaplib
import os
import pwd
import re
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.milter_client import Letter, MilterClient
from tamis.config import load
from tamis.learning.journal import Journal
from tamis.postfix.dovecot import PASSWORD, PrivateDovecot
from tamis.postfix.served import RunningTamis, service_user
from tests.endtoend.site import as_service_user

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.usefixtures("can_run_dovecot")]

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "delivery.md").read_text("utf-8")
(BLOCK,) = re.findall(r"<!-- tested: reports -->\n```sh\n(.*?)```", PAGE, re.S)
FOLDER = "/var/spool/tamis-learn"
TEXT = "the yellow submarine offers qponm and zyxwv to you today"
BOB = "bob@example.org"


def user() -> str:
    """Who the daemon is; the mail user of the private Dovecot is nobody, or who runs the tests."""
    return service_user() if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


class Site:
    """A daemon, and a Dovecot that reports to it."""

    def __init__(self, tamis: RunningTamis, dovecot: PrivateDovecot) -> None:
        self.tamis, self.dovecot = tamis, dovecot

    def imap(self) -> imaplib.IMAP4:
        reader = imaplib.IMAP4("127.0.0.1", self.dovecot.imap_port)
        reader.login(BOB, PASSWORD)
        return reader

    def put(self, folder: str, number: int) -> None:
        """Have a mail program put a message into a folder."""
        with self.imap() as reader:
            message = f"From: ann{number}@sender.example\r\nSubject: a letter\r\n\r\n{TEXT} {number * 'x'}\r\n"
            assert reader.append(folder, "", "", message.encode())[0] == "OK"

    def move(self, source: str, target: str) -> None:
        """Move all messages of a folder."""
        with self.imap() as reader:
            reader.select(source)
            assert reader.uid("MOVE", "1:*", target)[0] == "OK"

    def taught(self) -> dict[str, int]:
        """What the journal has of bob."""
        with as_service_user():
            found = [one for one in Journal(load(self.tamis.config).database_url).taught() if one.by == BOB]
        return {"ham": sum(one.ham for one in found), "spam": sum(one.spam for one in found)}

    def score(self) -> float:
        """What the daemon says of a message of that kind."""
        name = uuid.uuid4().hex
        header = [(b"From", b" x@sender.example"), (b"Message-ID", f" <{name}@x>".encode()), (b"Subject", b" a letter")]
        body = f"{TEXT} {name}\r\n".encode()
        letter = Letter("192.0.2.7", "mx.x.example", "mx.x.example", "x@x.example", "eve@example.net", header, body)
        with MilterClient(int(self.tamis.milter.rpartition(":")[2])) as client:
            client.send(letter)
        (line,) = [line for line in self.tamis.log_text().splitlines() if name in line]
        return float(re.findall(r" score=(\S+)", line)[0])

    def children(self, name: str) -> list[int]:
        """The process ids of the daemon's children of that name."""
        assert self.tamis.process is not None
        supervisor = self.tamis.process.pid
        children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
        return [int(pid) for pid in children if Path(f"/proc/{pid}/comm").read_text().strip() == name]

    def every_worker_has_it(self) -> bool:
        """Whether all workers map the file that the keeper has written last."""
        inode = str((self.tamis.folder / "state" / "learned").stat().st_ino)
        workers = self.children("tamis-worker")
        mapped = [[line.split()[4] for line in Path(f"/proc/{pid}/maps").read_text().splitlines()] for pid in workers]
        return len(workers) == 2 and all(inode in inodes for inodes in mapped)

    def until(self, right: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not right():
            assert time.monotonic() < deadline, self.dovecot.log_text()[-2000:] + self.tamis.log_text()[-2000:]
            time.sleep(0.1)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    checkout = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "postfix", checkout / "postfix", ignore=shutil.ignore_patterns("__pycache__"))
    with PrivateDovecot(rule=False) as dovecot:
        reports = dovecot.folder / "reports"
        group = grp.getgrgid(pwd.getpwnam("nobody").pw_gid).gr_name if os.geteuid() == 0 else str(os.getegid())
        block = BLOCK.replace(f"-o tamis -g vmail -m 1730 {FOLDER}", f"-o {user()} -g {group} -m 1730 {reports}")
        script = checkout / "postfix" / "dovecot" / "tamis-report"
        script.write_text(script.read_text().replace(FOLDER, str(reports)))
        environment = {**dovecot.environment(), "CONFIG_FILE": str(dovecot.config)}
        command = ["/bin/bash", "-euo", "pipefail", "-c", block]
        done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        with RunningTamis(f'[learning]\nreports = "{reports}"\n[policy]\nmode = "observe"\n') as tamis:
            yield Site(tamis, dovecot)


def test_into_junk_and_out_of_it(site: Site) -> None:
    """Each step is in the journal, and every worker scores by it without a restart."""
    before = site.score()
    for number in range(4):
        site.put("INBOX", number)
    assert site.taught() == {"ham": 0, "spam": 0}, "what arrives is no report"
    site.move("INBOX", "Junk")
    site.until(lambda: site.taught() == {"ham": 0, "spam": 4})
    site.until(lambda: site.score() > before + 1)
    site.until(site.every_worker_has_it)
    site.move("Junk", "INBOX")
    site.until(lambda: site.taught() == {"ham": 4, "spam": 4})
    site.until(lambda: site.score() < before)
    site.until(lambda: not list((site.dovecot.folder / "reports").iterdir()))


def test_what_is_saved_into_junk_is_spam_and_what_is_thrown_away_is_no_ham(site: Site) -> None:
    before = site.taught()
    with site.imap() as reader:
        reader.create("Trash")
    site.put("Junk", 7)
    site.until(lambda: site.taught()["spam"] == before["spam"] + 1)
    site.move("Junk", "Trash")
    site.put("Junk", 8)
    site.until(lambda: site.taught()["spam"] == before["spam"] + 2)
    assert site.taught()["ham"] == before["ham"]


def test_a_keeper_that_is_killed_is_replaced_and_no_report_is_lost(site: Site) -> None:
    before = site.taught()
    (keeper,) = site.children("tamis-keeper")
    os.kill(keeper, signal.SIGKILL)
    site.put("Junk", 10)
    site.until(lambda: site.taught()["spam"] == before["spam"] + 1)
    assert keeper not in site.children("tamis-keeper")


def test_reports_wait_while_the_daemon_is_away(site: Site) -> None:
    before = site.taught()
    site.tamis.stop()
    site.put("Junk", 9)
    assert site.taught() == before
    site.tamis.start()
    site.until(lambda: site.taught()["spam"] == before["spam"] + 1)
