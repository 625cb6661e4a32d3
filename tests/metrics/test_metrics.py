"""What is counted, added up over processes, and told to Prometheus."""

import http.client
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import yaml

from tamis.config import parse
from tamis.filters.order import BY_NAME
from tamis.metrics import tasks as module
from tamis.metrics.exposition import text
from tamis.metrics.names import FAMILIES, sample
from tamis.metrics.server import MetricsServer, Reply
from tamis.metrics.shared import CountsFile, collect
from tamis.metrics.tally import Tally
from tamis.metrics.tasks import Metrics
from tamis.record import Refusal
from tamis.tasks import FAILING
from tests.core.test_decision_log import record, verdict

DOCS = Path(__file__).parents[2] / "docs"
LINE = re.compile(r'([a-z_]+)(\{[a-z]+="(?:[^"\\\n]|\\.)*"(?:,[a-z]+="(?:[^"\\\n]|\\.)*")*\})? (-?[0-9.e+-]+)')


def test_a_message_is_counted_row_by_row() -> None:
    tally = Tally()
    tally.concluded(record(verdict(), verdict("c@example.org", spam=False)), "250")
    tally.refused(Refusal(BY_NAME["greylisting"], "GREYLISTED", "first time"))
    tally.undecided("451")
    found = tally.counters()
    assert found['tamis_messages_total{class="inbound",answer="250"}'] == 1
    assert found['tamis_messages_total{class="unknown",answer="451"}'] == 1
    assert found['tamis_verdicts_total{verdict="spam",action="tag"}'] == 1
    assert found['tamis_verdicts_total{verdict="ham",action="deliver"}'] == 1
    assert found['tamis_verdicts_total{verdict="later",action="refuse"}'] == 1
    assert found['tamis_decided_total{filter="blacklisted-ip"}'] == 1
    assert found['tamis_filter_asked_total{filter="spf"}'] == 1
    assert found['tamis_filter_abstained_total{filter="spf"}'] == 1
    assert found['tamis_filter_cached_total{filter="bayes"}'] == 1
    assert found['tamis_filter_seconds_total{filter="spf"}'] == 0.001
    assert found['tamis_message_seconds_bucket{le="0.01"}'] == 0
    assert found['tamis_message_seconds_bucket{le="0.025"}'] == found['tamis_message_seconds_bucket{le="+Inf"}'] == 1
    assert all(name.partition("{")[0].removesuffix("_bucket") in FAMILIES for name in found if "_seconds_" not in name)


def test_the_sums_of_processes_never_go_back(tmp_path: Path) -> None:
    asked, servers = sample("tamis_filter_asked_total", filter="spf"), "tamis_dns_servers_out"
    script = (
        "import os, sys; from pathlib import Path; from tamis.metrics.shared import CountsFile;"
        "file = CountsFile(Path(sys.argv[1]), 'worker'); file.write({sys.argv[2]: 5}, {sys.argv[3]: 3});"
        "print('ready', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "metrics"), asked, servers]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline() == b"ready\n"
        mine = CountsFile(tmp_path / "metrics", "supervisor")
        mine.write({asked: 1}, {servers: 1, "tamis_workers": 2})
        found = collect(tmp_path / "metrics")
        assert (found.counters[asked], found.gauges[servers]) == (6, 3)
        assert found.alive == {"worker": 1, "supervisor": 1}
        other.kill()
    for _ in range(2):
        found = collect(tmp_path / "metrics")
        assert (found.counters[asked], found.gauges[servers]) == (6, 1)
    mine.write({asked: 2}, {})
    assert collect(tmp_path / "metrics").counters[asked] == 7
    assert len(list((tmp_path / "metrics").iterdir())) == 2


def test_a_file_that_is_not_ours_harms_nobody(tmp_path: Path) -> None:
    (tmp_path / "worker-1").write_bytes(b"\xff" * 100)
    (tmp_path / "worker-2").write_bytes(b"")
    assert collect(tmp_path).counters == {}


def test_the_text_is_what_prometheus_reads() -> None:
    tally = Tally()
    tally.concluded(record(verdict()), "250")
    gauges = {sample("tamis_keeper_task_failing", task='a"b\\c\nd'): 1.0, "tamis_workers": 2.0, "unknown": 1.0}
    said = text({**tally.counters(), **gauges})
    types: dict[str, str] = {}
    for line in said.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            types[name] = kind
        elif not line.startswith("# HELP "):
            assert LINE.fullmatch(line), line
            name = line.partition("{")[0].partition(" ")[0]
            assert re.sub("_(bucket|sum|count)$", "", name) in types or name in types
    assert types["tamis_message_seconds"] == "histogram"
    assert "unknown" not in said
    assert 'task="a\\"b\\\\c\\nd"' in said


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    def answer(path: str) -> Reply | None:
        if path == "/break":
            raise ValueError
        return Reply("yes\n", HTTPStatus.SERVICE_UNAVAILABLE) if path == "/readyz" else None

    one = MetricsServer("127.0.0.1:0", answer)
    yield one
    one.close()


def ask(server: MetricsServer, path: str, method: str = "GET") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_answers_over_http(server: MetricsServer) -> None:
    assert ask(server, "/readyz?x=1") == (503, b"yes\n")
    assert ask(server, "/readyz", "HEAD") == (503, b"")
    assert ask(server, "/other")[0] == 404
    assert ask(server, "/readyz", "POST")[0] == 501
    with pytest.raises(http.client.HTTPException):
        ask(server, "/break")
    assert ask(server, "/readyz")[0] == 503


@pytest.mark.slow
def test_clients_who_say_nothing_do_not_keep_others_out(server: MetricsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    others = threading.active_count()
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(30)]
    for one in silent[:25]:
        one.close()
    assert threading.active_count() - others < 20
    for one in silent:
        one.close()

    def answered() -> bool:
        try:
            return ask(server, "/readyz")[0] == 503
        except OSError:
            return False

    assert any(answered() for _ in range(200))


def test_readiness_says_why(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "spool").mkdir()
    config = parse(
        f'[daemon]\nstate_directory = "{tmp_path}"\nruntime_directory = "{tmp_path}/run"\n'
        f'[metrics]\nlisten = "127.0.0.1:1"\n[database]\nurl = "sqlite:///{tmp_path}/none/tamis.db"\n', ""
    )  # fmt: skip
    metrics = Metrics(config)
    metrics._server = object()  # type: ignore[assignment]
    metrics.run()
    ready = metrics.answer("/readyz")
    assert ready is not None
    assert ready.status == 503
    assert ready.body.splitlines() == ["there is no supervisor", "no worker serves", "the lists have never been read"]
    health = metrics.answer("/healthz")
    assert health is not None
    assert health.status == 503
    (tmp_path / "snapshot").write_bytes(b"x")
    CountsFile(tmp_path / "run" / "metrics", "supervisor").write({}, {"tamis_workers": 2})
    os.utime(tmp_path / "snapshot")
    metrics.run()
    FAILING.add("sent")
    try:
        told = metrics.answer("/metrics")
    finally:
        FAILING.discard("sent")
    assert told is not None
    assert "tamis_database_up 1\n" in told.body
    assert 'tamis_keeper_task_failing{task="sent"} 1\n' in told.body


def test_nobody_listens_unless_told_to() -> None:
    assert module.tasks(parse("", "")) == []


# What the pages say


def test_every_metric_is_documented() -> None:
    said = re.findall(
        r"^\| `(tamis_[a-z_]+)` \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", (DOCS / "metrics.md").read_text(), re.M
    )
    assert [(name, kind, labels, help) for name, kind, labels, help in said] == [
        (name, family.kind, ", ".join(f"`{label}`" for label in family.labels) or "—", family.help)
        for name, family in FAMILIES.items()
    ]


def alerts() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((DOCS / "alerts.yml").read_text())["groups"]
    return list(group["rules"])


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: str(rule["alert"]))
def test_alerts_ask_for_what_there_is(rule: dict[str, Any]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("page", "ticket")
    expression = rule["expr"]
    assert expression.count("(") == expression.count(")")
    names = {re.sub("_(bucket|sum|count)$", "", name) for name in re.findall(r"\btamis_[a-z_]+", expression)}
    assert names <= set(FAMILIES)
    assert names or rule["alert"] == "TamisDown"
    for name, inner in re.findall(r"\b(tamis_[a-z_]+)\{([^}]*)\}", expression):
        labels = FAMILIES[name].labels
        assert {label for label, _ in re.findall(r'([a-z]+)(=~?)"', inner)} <= set(labels)
    for wanted in re.findall(r"filter=~?\"([^\"]*)\"", expression):
        assert any(re.fullmatch(wanted, name) for name in BY_NAME)
    assert f"{rule['alert']}" in (DOCS / "metrics.md").read_text()
