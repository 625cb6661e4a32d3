"""`tamis policy DOMAIN`: each effective value of a recipient domain, and where it came from."""

import argparse

from tamis.commands.common import add_config_option, load_config, print_json, print_table
from tamis.lists import PLATFORM, recipient_domain


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("policy", help="print the effective policy of a recipient domain")
    add_config_option(parser)
    parser.add_argument("domain", help="the recipient domain")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from tamis.list_store import ListStore, configured_entries
    from tamis.policy import Policies

    config = load_config(args)
    domain = recipient_domain(args.domain)
    policy = Policies(config).for_domain(domain)
    values = policy.values()
    entries = [*configured_entries(config), *ListStore(config.database_url).entries()]
    # Digests say nothing to a reader, and may be many.
    mine = [e for e in entries if e.domain in (PLATFORM, domain) and not e.list.by_command_only]
    if args.json:
        print_json(
            {
                "domain": domain,
                "values": {
                    key: {"value": value, "source": policy.sources.get(key, "default")} for key, value in values.items()
                },
                "lists": [
                    {
                        "list": entry.list.value,
                        "value": entry.value,
                        "scope": entry.domain or "platform",
                        "source": entry.source,
                        "expires": entry.expires.isoformat() if entry.expires else None,
                    }
                    for entry in mine
                ],
            }
        )
        return 0
    table = [[key, _plain(value), policy.sources.get(key, "default")] for key, value in values.items()]
    for entry in mine:
        until = f", until {entry.expires:%Y-%m-%d %H:%M} UTC" if entry.expires else ""
        source = f"{'platform' if not entry.domain else 'domain'}, {entry.source}{until}"
        table.append([f"lists.{entry.list.value}", entry.value, source])
    print_table([f"policy of {domain}", "value", "from"], table)
    return 0


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)
