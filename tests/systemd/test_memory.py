"""MemoryDenyWriteExecute of the service: the daemon works where no memory may be written and executed."""

import subprocess
import sys
import time

import pytest

from tamis.contract import Filter
from tamis.filters.order import ORDER
from tamis.postfix.instance import PostfixUnavailable, PrivatePostfix, require_postfix
from tamis.postfix.served import RunningTamis

PR_SET_MDWE = 65
DENIED = (
    "import ctypes, os, sys\n"
    f"if ctypes.CDLL(None).prctl({PR_SET_MDWE}, 1, 0, 0, 0): sys.exit(77)\n"
    "os.execvp(sys.argv[1], sys.argv[1:])\n"
)
MESSAGE = b"From: a@sender.example\nSubject: hello\nContent-Type: text/html\n\n<p>Hello</p>\n"

_NO_DNS = "".join(
    f"[policy.filters.{row.name}]\nenabled = false\n"
    for row in ORDER
    if row.filter and row.filter.queries is not Filter.queries
)
"""Every row answers that needs nobody outside."""


@pytest.mark.servers
def test_daemon_needs_no_memory_that_is_written_and_executed() -> None:
    wrapper = [sys.executable, "-c", DENIED]
    if subprocess.run([*wrapper, "true"], check=False).returncode != 0:
        pytest.skip("this kernel cannot deny such memory by itself (Linux 6.3 can)")
    try:
        require_postfix()
    except PostfixUnavailable as error:
        pytest.skip(str(error))
    with RunningTamis(_NO_DNS, wrapper=wrapper) as tamis, PrivatePostfix(tamis.milter) as postfix:
        reply = postfix.send(MESSAGE, "a@sender.example", ["b@example.org"])
        assert reply.accepted, reply
        assert postfix.wait_delivered(1)
        assert b"\nX-Ico-Bay: " in postfix.deliveries("b@example.org")[0]
        # The line is written after Postfix has its answer.
        deadline = time.monotonic() + 30
        while 'abstained=""' not in tamis.log_text():
            assert time.monotonic() < deadline, tamis.log_text()
            time.sleep(0.02)
