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

_ONCE_OFF: Final = {
    "attachment-hashes": "once it is off, software and mail programs need an optimal security policy to limit every "
    "risk (updates, no user who is administrator of the machine); to confirm, set off_confirmed = true beside it"
}
"""What is warned of where a row is switched off: of row 26, the warning of the specification."""
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
    from tamis.rules.reading import RulesError
    from tamis.rules.sources import RuleFiles

    try:
        open_database(config.database_url)
    except ArgumentError as error:
        raise UsageError(f"{config.source('database', 'url')}: database.url: {error}") from None
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
    from tamis.filters.order import ORDER
    from tamis.policy import Policies

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
        for row in ORDER:
            source = policy.sources.get(f"filters.{row.name}.enabled", "default")
            inherited = domain and source == policies.for_domain("").sources.get(f"filters.{row.name}.enabled")
            confirmed = getattr(policy.options[row.name], "off_confirmed", False)
            if row.name in _ONCE_OFF and not policy.enabled[row.name] and not inherited and not confirmed:
                yield f"{source}: {whose}.filters.{row.name}: {_ONCE_OFF[row.name]}"


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
