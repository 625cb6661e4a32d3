"""What the test of a filter needs: a mail in one line, and the names of the hits on it.

>>> from tamis.filters.empty_mail import EmptyMail
>>> hits(EmptyMail(), mail("Subject: hello\\n\\n"))
['EMPTY_MAIL']

Nothing is replaced or imitated: the message view, the options and the lists are the real ones. The order,
the score and the cache are the engine's and are not involved.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from tamis.authentication import Authentication
from tamis.contract import Abstain, Context, Filter, FilterOptions
from tamis.dns.lookups import Dns, NoDns
from tamis.images.pictures import Pictures
from tamis.lists import Entry, Lists
from tamis.mail import Mail, parse_ip
from tamis.message import Message
from tamis.rules.matching import Rules
from tamis.rules.reading import read
from tamis.rules.rule import test_name
from tamis.site import Site
from tamis.spf import spf_of

if TYPE_CHECKING:
    from tamis.bans import Bans
    from tamis.counters import Counters
    from tamis.dns.zone import ZoneText
    from tamis.greylist import Greylist
    from tamis.models.bayes import Model

_PEER = "192.0.2.7"
_RECIPIENTS = ("recipient@example.org",)


def mail(
    text: str | bytes,
    *,
    peer: str = _PEER,
    rdns: str = "",
    helo: str = "",
    sender: str = "",
    recipients: Sequence[str] = _RECIPIENTS,
    listener: str = "",
    mta: str = "",
) -> Mail:
    """Return a mail with that text and envelope. An empty `peer` is one that is not known."""
    raw = text.encode() if isinstance(text, str) else text
    address = parse_ip(peer)
    if peer and address is None:
        raise ValueError(f"peer {peer!r} is not an IP address")
    return Mail(Message(raw), address, rdns, helo, sender, recipients, listener=listener, mta=mta)


def hits(
    filter: Filter,
    mail: Mail,
    options: FilterOptions | None = None,
    lists: Iterable[Entry] = (),
    model: "Model | None" = None,
    counters: "Counters | None" = None,
    decoys: Collection[str] = (),
    dns: "ZoneText | None" = None,
    greylist: "Greylist | None" = None,
    bans: "Bans | None" = None,
    forwarders: Collection[str] = (),
    site: Site | None = None,
    rules: str = "",
    pictures: Pictures | None = None,
) -> list[str]:
    """Return the names of a filter's hits, in order, asked on behalf of all recipients.

    `rules` is the text of a rule file. `dns` is what the DNS holds (`tamis.dns.zone`); without it every answer is a
    temporary failure.
    Raises what the filter raises, `Abstain` included, and AssertionError for a name the filter does not declare.
    """
    if filter.needs_peer and mail.peer is None:
        raise Abstain("the peer is not known")
    options = filter.Options() if options is None else options
    site = site or Site()
    _ = [*filter.queries(mail, options), *filter.site_queries(site, mail, options)]
    found = read([("rules.toml", rules)]) if rules else {}
    context = Context(
        options=options,
        rules=Rules(found).look_at(mail.message) if rules else None,
        recipients=mail.recipients,
        lists=Lists(lists),
        model=model,
        counters=counters,
        greylist=greylist,
        bans=bans,
        decoys=decoys,
        forwarders=forwarders,
        authentication=Authentication(mail, _dns(dns), spf_of),
        pictures=pictures or Pictures(mail.message),
        dns=_dns(dns),
        now=mail.now,
        site=site,
    )
    names = [hit.name for hit in filter.check(mail, context)]
    unknown = set(names) - set(filter.tests) - set(map(test_name, found))
    if unknown:
        raise AssertionError(f"{filter.name}: not declared in tests: {', '.join(sorted(unknown))}")
    return names


def queries(filter: Filter, mail: Mail, options: FilterOptions | None = None, site: Site | None = None) -> list[str]:
    """Return what a filter declares to ask the DNS, as "name TYPE"."""
    options = filter.Options() if options is None else options
    asked = [*filter.queries(mail, options), *filter.site_queries(site or Site(), mail, options)]
    return [str(question) for question in asked]


def _dns(zone: "ZoneText | None") -> Dns:
    if zone is None:
        return NoDns()
    from tamis.dns.zone import ZoneDns

    return ZoneDns(zone)
