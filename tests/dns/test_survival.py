"""No name that a stranger sends can harm it, from however many threads; nor can fork, or a system without room."""

import os
import random
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tamis.dns import Question, Status
from tamis.dns.lookups import Lookups
from tamis.dns.question import RecordType
from tamis.dns.resolver import Resolver
from tamis.dns.servers import Address
from tests.dns.conftest import Resolvers
from tests.dns_server import DnsServer

pytestmark = pytest.mark.slow

TYPES: list[RecordType] = ["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "TXT"]
KNOWN = {Status.OK, Status.NXDOMAIN, Status.NODATA, Status.INVALID}
NASTY: list[str | bytes] = [
    *("", ".", "..", ".a", "a..b", "a" * 63, "a" * 64, "a" * 255, "a" * 70_000, "a." * 127, "a." * 128, "a." * 4000),
    *("\0", "\0.example", "a\0b.example", "%s%n.example", "a b", "\\", "\\.", "\\000", "xn--", "xn--\xff", "*", "-"),
    *(
        "ü" * 63,
        "ü" * 64,
        "ß.example",
        "\u200b",
        "\ud800",
        "\udcff.example",
        "\U0010ffff",
        "。",
        "a。。b",
        "\u202e.example",
    ),
    *(b"", b".", b"..", b"\0", b"\xff", b"\xff" * 63, b"\xff" * 64, b"a" * 64, b"a." * 126, b"\x3f.\xc0\x0c.example"),
]


def noise(source: random.Random) -> str | bytes:
    """A name of anything: letters, octets, labels of any size."""
    if source.random() < 0.2:
        return source.choice(NASTY)
    labels = [source.randbytes(source.choice((0, 1, 5, 20, 63, 64, 70))) for _ in range(source.randrange(1, 6))]
    name = b".".join(labels)
    return name if source.random() < 0.5 else name.decode(source.choice(("latin-1", "utf-8")), "surrogateescape")


def test_names_of_anything_from_eight_threads(name_server: DnsServer, resolver_of: Resolvers) -> None:
    """What a backend in C died of: labels that are empty or too long, from eight threads at once."""
    resolver = resolver_of(name_server, timeout=5)
    wrong: list[object] = []

    def work(seed: int) -> None:
        source = random.Random(seed)
        for _ in range(40):
            questions = [Question(noise(source), source.choice(TYPES)) for _ in range(20)]
            questions += [Question(name) for name in source.sample(NASTY, 5)]
            answers = Lookups(resolver).ask(questions)
            for question, answer in zip(questions, answers, strict=True):
                if answer.status not in KNOWN or (answer.status is Status.INVALID) != (question.wire is None):
                    wrong.append((question, answer))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert Lookups(resolver).ask([Question("host1.example")])[0].records == ("192.0.2.1",)


def test_noise_from_the_server_harms_nothing(name_server: DnsServer, resolver_of: Resolvers) -> None:
    source = random.Random(1)

    def rave(query: bytes, reply: bytes) -> list[bytes]:
        raw = bytearray(reply)
        for _ in range(source.randrange(1, 8)):
            raw[source.randrange(len(query) - 11, len(raw))] = source.randrange(256)
        return [source.randbytes(source.randrange(0, 600)), query[:2] + source.randbytes(40), bytes(raw)]

    for number in range(100):
        name_server.faults[f"host{number}.example"] = rave
    resolver = resolver_of(name_server, timeout=0.2, attempts=1)
    Lookups(resolver).ask([Question(f"host{number}.example") for number in range(100)])
    assert Lookups(resolver).ask([Question("example.org", "MX")])[0].status is Status.OK


@contextmanager
def open_files(limit: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_no_room_for_sockets_is_a_failure_and_passes(name_server: DnsServer, resolver_of: Resolvers) -> None:
    resolver = resolver_of(name_server, timeout=1)
    used = max(map(int, os.listdir("/proc/self/fd")))
    with open_files(used + 1):
        held = []
        try:
            while True:
                held.append(os.dup(0))
        except OSError:
            pass
        (answer,) = Lookups(resolver).ask([Question("host1.example")])
        assert answer.status is Status.UNAVAILABLE
        for descriptor in held:
            os.close(descriptor)
    deadline = time.monotonic() + 5
    while Lookups(resolver).ask([Question("host1.example")])[0].status is not Status.OK:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def in_a_child(resolver: Resolver, name: str) -> str:
    """Return what a child that was forked now says of a name."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            (answer,) = Lookups(resolver).ask([Question(name)])
            os.write(writing, str(answer.records or answer.status.value).encode())
        finally:
            os._exit(0)
    os.close(writing)
    said = os.read(reading, 1000).decode()
    os.close(reading)
    os.waitpid(child, 0)
    return said


def test_it_survives_fork(name_server: DnsServer, resolver_of: Resolvers) -> None:
    """The parent has a thread, sockets and questions on their way. The child starts anew, the parent goes on."""
    name_server.delay = 0.3
    resolver = resolver_of(name_server, timeout=3)
    flights = resolver.ask([Question("host1.example"), Question("host2.example")])
    name_server.delay = 0.0
    assert in_a_child(resolver, "host2.example") == "('192.0.2.2',)"
    assert in_a_child(resolver, "host3.example") == "('192.0.2.3',)"
    resolver.wait(flights, time.monotonic() + 5)
    assert [flight.answer and flight.answer.records for flight in flights] == [("192.0.2.1",), ("192.0.2.2",)]
    assert Lookups(resolver).ask([Question("host4.example")])[0].records == ("192.0.2.4",)


def test_sockets_are_few_and_given_back(name_server: DnsServer, resolver_of: Resolvers) -> None:
    resolver = resolver_of(name_server, timeout=2)
    before = len(os.listdir("/proc/self/fd"))
    for turn in range(20):
        Lookups(resolver).ask([Question(f"name{turn}-{number}.example") for number in range(100)])
        assert len(os.listdir("/proc/self/fd")) < before + 10
    resolver.close()
    assert len(os.listdir("/proc/self/fd")) <= before


def test_it_can_be_closed_and_used_again(name_server: DnsServer) -> None:
    resolver = Resolver([name_server.address], 1)
    for number in range(3):
        assert Lookups(resolver).ask([Question(f"host{number}.example")])[0].status is Status.OK
        resolver.close()


@hypothesis_settings(max_examples=50)
@given(st.lists(st.tuples(st.text(max_size=80) | st.binary(max_size=80), st.sampled_from(TYPES)), max_size=10))
def test_every_question_gets_its_answer(asked: list[tuple[str | bytes, RecordType]]) -> None:
    """With nobody to ask, too: in order, one for each, at once."""
    resolver = Resolver([Address("127.0.0.1", 1)], 0.2)
    questions = [Question(name, kind) for name, kind in asked]
    answers = Lookups(resolver).ask(questions)
    resolver.close()
    assert [answer.status is Status.INVALID for answer in answers] == [one.wire is None for one in questions]
