"""`tamis check-config`: every mistake of a configuration file, by line and key, and what cannot act yet."""

import argparse
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from sqlalchemy.exc import ArgumentError

from tamis import config as configuration
from tamis.commands.common import UsageError, add_config_option
from tamis.config import Config
from tamis.policy import Mode

_HOLDING: Final = (Mode.QUARANTINE, Mode.JUNK)
_PATIENCE_SECONDS: Final = 1.0


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("check-config", help="check the configuration file")
    add_config_option(parser)
    parser.add_argument("file", nargs="?", help="configuration file, instead of --config")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    path = configuration.find(args.file or args.config)
    config = configuration.load(path)
    from tamis.database import open_database
    from tamis.directory_task import open_directory
    from tamis.rules.reading import RulesError
    from tamis.rules.sources import RuleFiles

    try:
        open_database(config.database_url)
    except ArgumentError as error:
        raise UsageError(f"{config.source('database', 'url')}: database.url: {error}") from None
    try:
        if config.settings.directory.url:
            open_directory(config.settings.directory.url)
    except ArgumentError as error:
        raise UsageError(f"{config.source('directory', 'url')}: directory.url: {error}") from None
    try:
        RuleFiles(config).read()
    except RulesError as error:
        raise UsageError("\n".join(str(mistake) for mistake in error.mistakes)) from None
    for warning in warnings(config):
        print(f"warning: {warning}", file=sys.stderr)
    print(f"{path or 'no file, the defaults'}: valid")
    return 0


def warnings(config: Config) -> Iterator[str]:
    """Yield what a valid configuration asks for that this version does not do."""
    from tamis.dns.servers import RESOLV_CONF, addresses, public_operator
    from tamis.policy import Policies
    from tamis.policy_keys import OFF_CONFIRMED, OFF_KEY, OFF_WARNING
    from tamis.policy_view import origins_of

    daemon = config.settings.daemon
    closed = not int(daemon.socket_mode, 8) & 0o002 and not daemon.socket_group
    if closed and any(value.startswith("unix:") for value in daemon.listen):
        yield (
            f"{config.source('daemon', 'listen')}: daemon.socket_group: not set: "
            "Postfix can connect to the unix socket only if it is in the group that the daemon is started with"
        )
    if config.settings.aliases.maps and not config.settings.aliases.local_domains:
        yield (
            f"{config.source('aliases', 'maps')}: aliases.local_domains: not set: "
            "no mailbox is here, so every recipient is taken for a redirection"
        )
    for address in addresses(config.settings.dns.servers):
        operator = public_operator(address)
        if operator:
            source = config.source("dns", "servers") if config.settings.dns.servers else str(RESOLV_CONF)
            yield (
                f"{source}: dns.servers: {address} is a public resolver ({operator}): DNS lists refuse what comes "
                "through it, or answer it wrongly; name a resolver of your own"
            )
    web = config.settings.web
    if web.challenge_test_key:
        yield (
            f"{config.source('web', 'challenge_test_key')}: web.challenge_test_key: for tests only: whoever knows it "
            "releases mail as a person would"
        )
    if web.base_url.startswith("http:"):
        yield (
            f"{config.source('web', 'base_url')}: web.base_url: without TLS anybody on the way can read links and "
            "cookies, and browsers do not do the work that spares people the code"
        )
    yield from _lonely_lists(config)
    yield from _silent_scanners(config)
    if shutil.which(config.settings.images.tesseract) is None:
        yield (
            f"{config.source('images', 'tesseract')}: images.tesseract: {config.settings.images.tesseract} is not "
            "installed: row 21 knows images by their looks alone"
        )
    reports = config.settings.learning.reports
    if reports and not Path(reports).is_dir():
        yield (
            f"{config.source('learning', 'reports')}: learning.reports: there is no folder {reports}: "
            "what users file into Junk is not learned"
        )
    policies = Policies(config)
    holding = [domain for domain in ("", *config.settings.domain) if policies.for_domain(domain).mode in _HOLDING]
    if holding:
        yield from _closed_listeners(config)
    for domain in ("", *config.settings.domain):
        policy = policies.for_domain(domain)
        whose = f'domain."{domain}"' if domain else "policy"
        origin = origins_of(policies.layers(domain), {})[OFF_KEY]
        if origin.owner == domain and not policy.value(OFF_KEY) and not policy.value(OFF_CONFIRMED):
            where = f"{origin.line}: {whose}.{OFF_KEY.removesuffix('.enabled')}"
            yield f"{where}: {OFF_WARNING}; to confirm, set off_confirmed = true beside it"


def _lonely_lists(config: Config) -> Iterator[str]:
    """Yield which kind of DNS list is alone: a row decides when two answer, unless it is told otherwise."""
    from tamis.settings import enabled_lists

    for row, kind in (("maps-rbl", "ip"), ("maps-rbl", "domain"), ("surbl", "url")):
        names = [one.name for one in enabled_lists(config.settings.dnslists) if one.kind == kind]
        if len(names) == 1 and "answers" not in config.settings.policy.filters.get(row, {}):
            yield (
                f"{config.source('dnslists', names[0], 'kind')}: dnslists.{names[0]}: the only list of kind {kind}: "
                f"row {row} decides when two have answered; name another, or set {row}.answers"
            )


def _silent_scanners(config: Config) -> Iterator[str]:
    """Yield which scanners do not answer, or are something else."""
    from tamis.scanners import clamd, spamd
    from tamis.scanners.endpoint import Endpoint, Unanswered, parse_endpoint

    settings = config.settings
    asked: list[tuple[str, str, Callable[[Endpoint, float], object], str]] = [
        (f"clamd.{name}", config.source("clamd", name, "endpoints"), clamd.ping, text)
        for name, one in settings.clamd.items()
        for text in one.endpoints
    ]
    asked += [("spamd", config.source("spamd", "endpoints"), spamd.ping, text) for text in settings.spamd.endpoints]
    for key, source, ping, text in asked:
        endpoint = parse_endpoint(text)
        try:
            if endpoint is not None:
                ping(endpoint, _PATIENCE_SECONDS)
        except Unanswered as failure:
            yield f"{source}: {key}.endpoints: nobody answers at {text}: {failure}"


def _closed_listeners(config: Config) -> Iterator[str]:
    """Yield which of the MTA's listeners for mail of Tamis's own does not answer."""
    for key in ("server", "mailbox_server"):
        server = getattr(config.settings.delivery, key)
        host, _, port = server.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), _PATIENCE_SECONDS).close()
        except OSError as error:
            yield (
                f"{config.source('delivery', key)}: delivery.{key}: nobody answers at {server} "
                f"({error.strerror or error}): what is released, and copies for recipients who differ, wait until then"
            )
