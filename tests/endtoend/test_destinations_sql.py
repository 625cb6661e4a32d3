"""Aliases and domains in PostgreSQL, asked through Postfix's own pgsql: tables."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tamis.destinations import Destination, Destinations, DestinationUnknown, Kind
from tamis.settings import Aliases
from tests.postgresql import Cluster, programs

pytestmark = pytest.mark.servers

POSTMAP = shutil.which("postmap", path=f"{os.environ['PATH']}:/usr/sbin")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    folder = programs()
    if folder is None or POSTMAP is None or not Path("/usr/lib/postfix/postfix-pgsql.so").exists():
        pytest.skip("PostgreSQL, Postfix or postfix-pgsql is not installed: run 'make setup'")
    with Cluster(folder) as cluster:
        cluster.run("CREATE TABLE alias (address text, goes_to text)")
        cluster.run("CREATE TABLE domain (name text)")
        cluster.run("INSERT INTO domain VALUES ('example.org')")
        # Two rows of one address are two addresses.
        cluster.run(
            "INSERT INTO alias VALUES ('team@example.org', 'ann@example.org'), ('team@example.org', 'x@else.example')"
        )
        cluster.run("INSERT INTO alias VALUES ('@example.net', 'bob@example.org'), ('odd@example.org', E'a@x\\nb@x')")
        yield cluster


@pytest.fixture
def destinations(cluster: Cluster, tmp_path: Path) -> Destinations:
    queries = {
        "aliases": "SELECT goes_to FROM alias WHERE address = '%s' ORDER BY goes_to",
        "domains": "SELECT name FROM domain WHERE name = '%s'",
    }
    server = f"hosts = 127.0.0.1:{cluster.port}\nuser = tamis\npassword = unused\ndbname = postgres\n"
    for name, query in queries.items():
        (tmp_path / f"{name}.cf").write_text(f"{server}query = {query}\n")
    (tmp_path / "main.cf").write_text("compatibility_level = 3.6\n")
    for path in tmp_path.iterdir():
        os.utime(path, (1e9, 1e9))  # Postfix waits until a file has not changed for two seconds.
    program = tmp_path / "postmap"
    program.write_text(f'#!/bin/sh\nMAIL_CONFIG={tmp_path} exec {POSTMAP} "$@"\n')
    program.chmod(0o755)
    maps, domains = f"pgsql:{tmp_path}/aliases.cf", f"pgsql:{tmp_path}/domains.cf"
    return Destinations(Aliases(maps=(maps,), local_domains=(domains,), postmap=str(program)))


def test_aliases_and_domains_from_sql(destinations: Destinations) -> None:
    replication = Destination(Kind.REPLICATION, ("ann@example.org",), ("x@else.example",))
    assert destinations.find("Team@example.org") == replication
    assert destinations.find("anybody@example.net") == Destination(Kind.ALIAS, ("bob@example.org",))
    assert destinations.find("ann@example.org").kind is Kind.MAILBOX


@pytest.mark.parametrize(
    "recipient", ["'; DROP TABLE alias; --@example.org", "' OR '1'='1", "%s%d%u@example.org", "a\\'b@example.org"]
)
def test_an_address_is_data(destinations: Destinations, cluster: Cluster, recipient: str) -> None:
    found = destinations.find(recipient)
    assert (*found.local, *found.outward) == (recipient.lower(),)
    assert cluster.run("SELECT count(*) FROM alias") == [(4,)]


def test_what_sql_gets_wrong_is_not_taken_for_an_answer(destinations: Destinations, cluster: Cluster) -> None:
    with pytest.raises(DestinationUnknown):
        destinations.find("odd@example.org")
    cluster.stop()
    try:
        with pytest.raises(DestinationUnknown, match="query error"):
            destinations.find("ann@example.org")
    finally:
        cluster.start()
    assert destinations.find("ann@example.org").kind is Kind.MAILBOX
