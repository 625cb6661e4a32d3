"""Links that pretend: text that shows another place, hosts made to look like others, and detours. Tests of row 23.

Mailing software rewrites links to count clicks, so those of much honest mail lead elsewhere than they show. Only a link
that shows a brand's address weighs much; docs/phishing.md has the rates.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from tamis import limits
from tamis.addresses import domain_of
from tamis.authentication.domains import organisational
from tamis.mail import Mail
from tamis.phishing.brands import brands, hosts, is_below, is_cheap, is_freemail
from tamis.phishing.confusables import scripts
from tamis.phishing.lookalikes import like_a_brand, like_a_domain, unicode_host
from tamis.phishing.sign import Found, Sign
from tamis.phishing.urls import Link, links_of
from tamis.private_space import is_private

SIGNS: Final = {
    "LINK_SHOWN_OTHER": Sign(0.1, "the text of a link is an address of another domain than the link leads to"),
    "LINK_SHOWN_BRAND": Sign(1.5, "the text of a link is the address of a brand, and it leads elsewhere"),
    "LINK_BRAND_LOOKS": Sign(1.5, "the host of a link looks like a brand's, in letters that only look alike"),
    "LINK_BRAND_TYPO": Sign(1.0, "the host of a link is one letter off a brand's"),
    "LINK_BRAND_SUBDOMAIN": Sign(1.5, "the host of a link begins with a brand's domain and belongs to somebody else"),
    "LINK_BRAND_WORD": Sign(0.5, "the host of a link has the name of a brand in it and belongs to somebody else"),
    "LINK_OWN_LOOKALIKE": Sign(1.5, "the host of a link is made to look like the recipient's own domain"),
    "LINK_OWN_SHOWN": Sign(1.0, "the text of a link is an address of the recipient's domain, and it leads elsewhere"),
    "LINK_MIXED_SCRIPT": Sign(1.5, "letters of several scripts within a name of the host of a link"),
    "LINK_OTHER_SCRIPT": Sign(0.5, "the host of a link is in a script that the text of the message is not in"),
    "LINK_ADDRESS": Sign(0.7, "a link leads to an address in place of a name"),
    "LINK_ADDRESS_DISGUISED": Sign(1.5, "a link leads to an address written as one number, octal or hexadecimal"),
    "LINK_USER": Sign(1.0, "a name stands before an @ in front of the host of a link"),
    "LINK_PORT": Sign(0.3, "a link leads to an unusual port"),
    "LINK_SHORTENER": Sign(0.1, "a link leads to a shortener of links"),
    "LINK_REDIRECTOR": Sign(0.7, "a link leads through a redirector that leads anywhere"),
    "LINK_DETOURS": Sign(0.7, "a link has the addresses of two or more other sites in it"),
    "LINK_ANYBODY": Sign(0.1, "a link leads to a page that anybody makes in a minute"),
    "LINK_CHEAP": Sign(0.5, "a link leads to a domain under a name where one costs next to nothing"),
    "LINK_DATA": Sign(1.5, "a link holds a page itself (data:)"),
    "LINK_SCRIPT": Sign(0.5, "a link is a script"),
    "LINK_RECIPIENT": Sign(0.5, "a link has the recipient's address in it and leads to a page that anybody makes"),
}
_USUAL_PORTS: Final = (None, 21, 80, 443, 8080, 8443)


def found_in(mail: Mail, recipients: Sequence[str]) -> Iterator[Found]:
    """Yield the signs of all links of a mail; what is about a recipient's own domain, for each of them."""
    links = links_of(mail.message)
    recipients = recipients[: limits.SIGN_RECIPIENTS]
    authors = {organisational(box.domain) for box in mail.message.authors}
    own = {domain for domain in map(domain_of, recipients) if not is_freemail(domain)}
    text_scripts = scripts(mail.message.text[:2000]) if any("xn--" in link.name for link in links) else set()
    for link in links:
        yield from _written(link)
        if not link.name or is_below(link.name, hosts().gateways):
            continue
        yield from _shown(link, authors, own)
        yield from _lookalikes(link, own)
        yield from _detours(link, recipients)
        shown = unicode_host(link.name)
        if shown != link.name:
            yield from _script(link, shown, text_scripts)


def _written(link: Link) -> Iterator[Found]:
    """How the link itself is written."""
    if link.scheme == "data" and not link.url[5:11].lower().startswith("image/"):
        yield Found("LINK_DATA", f"a link begins with {link.url[:40]}")
    elif link.scheme in ("javascript", "vbscript"):
        # What stands in place of no link at all is no script to speak of.
        if len(link.url) > 30:
            yield Found("LINK_SCRIPT", f"a link begins with {link.url[:40]}")
    elif link.host is not None:
        if link.user:
            yield Found("LINK_USER", f"{link.user[:60]}@ stands before {link.host}")
        if link.port not in _USUAL_PORTS:
            yield Found("LINK_PORT", f"a link leads to port {link.port} of {link.host}")
        if not link.name and not is_private(link.host):
            yield Found("LINK_ADDRESS", f"a link leads to {link.host}")
            written = link.authority.rpartition("@")[2].partition(":")[0]
            if not written.startswith("[") and written.rstrip(".") != str(link.host):
                yield Found("LINK_ADDRESS_DISGUISED", f"a link leads to {link.host}, written {written[:60]}")


def _shown(link: Link, authors: set[str], own: set[str]) -> Iterator[Found]:
    shown = link.shown_host
    if not shown:
        return
    organisation = organisational(shown)
    if organisation == link.organisation or organisation in link.inner:
        return
    ground = f"a link shows {shown} and leads to {link.name}"
    owners = [brand for brand in brands() if organisation in brand.domains]
    if any(brand.owns(link.name) for brand in owners):
        return
    for domain in own:
        if organisational(domain) == organisation:
            yield Found("LINK_OWN_SHOWN", ground, domain)
    if owners:
        yield Found("LINK_SHOWN_BRAND", ground)
    elif organisation not in authors:
        yield Found("LINK_SHOWN_OTHER", ground)


def _lookalikes(link: Link, own: set[str]) -> Iterator[Found]:
    likeness = like_a_brand(link.name)
    if likeness is not None:
        names = {"looks": "LOOKS", "typo": "TYPO", "subdomain": "SUBDOMAIN", "word": "WORD"}
        yield Found(f"LINK_BRAND_{names[likeness.kind]}", f"{link.name} is not of {likeness.target}")
    for domain in own:
        like = like_a_domain(link.name, domain)
        if like is not None:
            yield Found("LINK_OWN_LOOKALIKE", f"{link.name} is not of {like.target}", domain)


def _detours(link: Link, recipients: Sequence[str]) -> Iterator[Found]:
    known = hosts()
    address = f"{link.name}{link.after_host}"
    others = [inner for inner in link.inner if inner != link.organisation]
    if link.organisation in known.shorteners and len(link.after_host) > 1:
        yield Found("LINK_SHORTENER", f"a link leads to {link.name}")
    if others and address.startswith(known.redirectors):
        yield Found("LINK_REDIRECTOR", f"a link leads by {link.name} to {others[0]}")
    if len(others) >= 2:
        yield Found("LINK_DETOURS", f"a link of {link.name} has {others[0]} and {others[1]} in it")
    if is_cheap(link.name):
        yield Found("LINK_CHEAP", f"a link leads to {link.name}")
    if is_below(link.name, known.anybody):
        yield Found("LINK_ANYBODY", f"a link leads to {link.name}")
        for recipient in recipients:
            if recipient.lower() in link.after_host.lower():
                domain = domain_of(recipient)
                yield Found("LINK_RECIPIENT", f"a link to {link.name} has the recipient's address in it", domain)


def _script(link: Link, shown: str, text_scripts: set[str]) -> Iterator[Found]:
    written = scripts(shown.rpartition(".")[0])
    if any(len(scripts(label) - {"OTHER"}) > 1 for label in shown.split(".")):
        yield Found("LINK_MIXED_SCRIPT", f"{link.name} is shown as {shown}")
    elif not written <= text_scripts | {"LATIN"}:
        yield Found("LINK_OTHER_SCRIPT", f"{link.name} is shown as {shown}")
