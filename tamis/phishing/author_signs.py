"""Authors who pretend: names of brands, of the recipient's own house, or other addresses in a name. Tests of row 33.

People read the display name and mail clients show little else. A brand writes from its own domain; where it has others
write for it, it mostly keeps its name in the address (DMARC makes it do so).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from tamis import limits
from tamis.addresses import Mailbox, domain_of, parse_mailboxes
from tamis.authentication.domains import is_suffix, organisational
from tamis.mail import Mail
from tamis.message import Message
from tamis.phishing.brands import brands_named, hosts, is_below, is_cheap, is_freemail, is_generic, words
from tamis.phishing.confusables import begins_with_marks, look, mixed_words, styled_letters
from tamis.phishing.lookalikes import like_a_brand, like_a_domain
from tamis.phishing.sign import Found, Sign

SIGNS: Final = {
    "FROM_NAME_BRAND": Sign(1.5, "the author's name is a brand's, the address is elsewhere"),
    "FROM_NAME_BRAND_AMONG": Sign(0.5, "the author's name holds a brand's among other words, the address is elsewhere"),
    "FROM_NAME_BRAND_FREEMAIL": Sign(1.0, "the author's name is a brand's, the address is one that anybody gets"),
    "FROM_NAME_OWN": Sign(1.0, "the author's name names the recipient's own domain, the address is elsewhere"),
    "FROM_NAME_RECIPIENT": Sign(0.3, "the author's name is the recipient's own address or its local part"),
    "FROM_NAME_PROTECTED": Sign(2.0, "the author's name is a protected one, the address is elsewhere"),
    "FROM_NAME_ADDRESS": Sign(1.0, "the author's name holds an address of another domain than the author's"),
    "FROM_NAME_DOMAIN": Sign(0.3, "the author's name is the name of another domain than the author's"),
    "FROM_NAME_MIXED_SCRIPT": Sign(1.5, "letters of several scripts within a word of the author's name"),
    "FROM_NAME_STYLED": Sign(1.0, "the author's name is in mathematical, full-width or circled letters"),
    "FROM_NAME_MARKS": Sign(1.0, "the author's name begins with arrows, boxes or signs that show nothing"),
    "FROM_LOCAL_RUN": Sign(0.5, "20 letters in a row in the author's local part that are not of the name"),
    "FROM_CHEAP": Sign(0.5, "the author's domain is under a name where one costs next to nothing"),
    "FROM_ANYBODY": Sign(0.5, "the author's domain is one that anybody gets from a host of pages or accounts"),
    "FROM_BRAND_LOOKALIKE": Sign(1.5, "the author's domain is made to look like a brand's"),
    "FROM_BRAND_WORD": Sign(0.7, "the author's domain has the name of a brand in it and belongs to somebody else"),
    "FROM_OWN_LOOKALIKE": Sign(2.0, "the author's domain is made to look like the recipient's own"),
    "REPLY_TO_FREEMAIL": Sign(0.7, "replies go to an address that anybody gets, the author's is none of those"),
    "REPLY_TO_OTHER_FREEMAIL": Sign(0.5, "author and replies are at two providers where anybody gets an address"),
    "REPLY_TO_OTHER_DOMAIN": Sign(0.0, "replies go to another domain than the author's"),
    "REPLY_TO_LOOKALIKE": Sign(1.5, "the domain that replies go to is made to look like the author's"),
}
_ADDRESS: Final = re.compile(r"[\w.+-]{1,64}@((?:[\w-]{1,63}\.){1,8}[a-z]{2,24})\b", re.I)
_DOMAIN: Final = re.compile(r"\s*(?:https?://)?(?:www\.)?((?:[\w-]{1,63}\.){1,8}[a-z]{2,24})/?\s*", re.I)
_LEAST_LABEL: Final = 4
_RUN: Final = re.compile("[a-z]{20}")
_ROLE: Final = re.compile(
    r"reply|service|support|notif|customer|info|news|team|contact|account|admin|mail|bounce", re.I
)
_LIST_FIELDS: Final = ("list-id", "list-post", "list-unsubscribe", "mailing-list", "x-mailing-list")


def found_in(
    mail: Mail,
    recipients: Sequence[str],
    protected: Sequence[str],
    has_person: Callable[[str, str], bool] | None = None,
) -> Iterator[Found]:
    """Yield the signs of the author and of where replies go.

    `protected` are names of the recipients' own people; `has_person` says whether a domain has somebody of a name.
    """
    for author in mail.message.authors:
        yield from _name(author)
        yield from _local(author)
        yield from _domain(author)
        for recipient in recipients[: limits.SIGN_RECIPIENTS]:
            yield from _own(author, recipient, protected, has_person)
    yield from _replies(mail.message)


def _name(author: Mailbox) -> Iterator[Found]:
    name = author.name
    if not name:
        return
    named = brands_named(name)
    if named and not any(brand.owns(author.domain) for brand, _ in named):
        ground = f"{name!r} is not of {author.domain or 'nowhere'}"
        yield Found("FROM_NAME_BRAND" if any(whole for _, whole in named) else "FROM_NAME_BRAND_AMONG", ground)
        if is_freemail(author.domain):
            yield Found("FROM_NAME_BRAND_FREEMAIL", ground)
    organisation = organisational(author.domain)
    for match in _ADDRESS.finditer(name):
        if organisational(match[1].lower()) != organisation:
            yield Found("FROM_NAME_ADDRESS", f"the name {name!r} of an author of {author.domain}")
    domain = _DOMAIN.fullmatch(name)
    top = domain[1].lower().rpartition(".")[2] if domain else ""
    if domain and is_suffix(top) and organisational(domain[1].lower()) != organisation:
        yield Found("FROM_NAME_DOMAIN", f"the name {name!r} of an author of {author.domain}")
    if mixed_words(name):
        yield Found("FROM_NAME_MIXED_SCRIPT", f"the name {name!r}")
    if styled_letters(name) >= 3:
        yield Found("FROM_NAME_STYLED", f"the name {name!r}")
    if begins_with_marks(name):
        yield Found("FROM_NAME_MARKS", f"the name {name!r}")


def _local(author: Mailbox) -> Iterator[Found]:
    """What stands before the @: words joined by chance, as nobody is called."""
    local = author.address.rpartition("@")[0][:64].lower()
    named = any(len(word) > 2 and word in local for word in words(author.name))
    if not named and _RUN.search(local) and not _ROLE.search(local):
        yield Found("FROM_LOCAL_RUN", f"the author's local part is {local}")


def _domain(author: Mailbox) -> Iterator[Found]:
    if not author.domain or is_freemail(author.domain):
        return
    if is_cheap(author.domain):
        yield Found("FROM_CHEAP", f"an author of {author.domain}")
    if is_below(author.domain, hosts().anybody) or is_below(author.domain, hosts().tenants):
        yield Found("FROM_ANYBODY", f"an author of {author.domain}")
    likeness = like_a_brand(author.domain)
    if likeness is not None:
        name = "FROM_BRAND_WORD" if likeness.kind == "word" else "FROM_BRAND_LOOKALIKE"
        yield Found(name, f"{author.domain} is not of {likeness.target}")


def _own(
    author: Mailbox, recipient: str, protected: Sequence[str], has_person: Callable[[str, str], bool] | None
) -> Iterator[Found]:
    """What the author pretends to be of one recipient's house. Where that is anybody's provider, there is no house."""
    own = domain_of(recipient)
    organisation = organisational(own)
    if not own or organisational(author.domain) == organisation:
        return
    said = words(author.name)
    listed = [
        name
        for name in protected
        if words(name) and tuple(map(look, words(name))) in (tuple(map(look, said)), tuple(map(look, reversed(said))))
    ]
    if listed or (has_person is not None and not is_freemail(own) and has_person(own, author.name)):
        yield Found("FROM_NAME_PROTECTED", f"{author.name!r} writes from {author.domain or 'nowhere'}", own)
    if is_freemail(own):
        return
    if like_a_domain(author.domain, own):
        yield Found("FROM_OWN_LOOKALIKE", f"{author.domain} is not {organisation}", own)
    local = recipient.rpartition("@")[0]
    if author.name.strip().lower() in (recipient.lower(), local.lower()) and len(local) > 1:
        yield Found("FROM_NAME_RECIPIENT", f"the author is called {author.name!r}", own)
        return
    label = organisation.partition(".")[0]
    # "Example support", "example.org mail administrator"; not the names of people and programs of other houses.
    rest = [word for word in said if look(word) != look(label) and word != organisation.rpartition(".")[2]]
    if len(label) >= _LEAST_LABEL and look(label) in map(look, said) and is_generic(rest):
        yield Found("FROM_NAME_OWN", f"{author.name!r} writes from {author.domain or 'nowhere'}", own)


def _replies(message: Message) -> Iterator[Found]:
    fields = message.fields("reply-to")
    if not fields or not message.authors or any(message.fields(name) for name in _LIST_FIELDS):
        return
    author = message.authors[0].domain
    for box in parse_mailboxes(fields[0].value)[:5]:
        if organisational(box.domain) == organisational(author):
            continue
        ground = f"replies to an author of {author or 'nowhere'} go to {box.domain}"
        yield Found("REPLY_TO_OTHER_DOMAIN", ground)
        if is_freemail(box.domain):
            yield Found("REPLY_TO_OTHER_FREEMAIL" if is_freemail(author) else "REPLY_TO_FREEMAIL", ground)
        elif like_a_domain(box.domain, author):
            yield Found("REPLY_TO_LOOKALIKE", ground)
