"""Row 3: is it the first time that this peer network, sender and recipient are seen together?

Why it works: a mail server that is told "try again later" does (RFC 5321, section 4.5.4.1); most programs that only
send spam do not, and who comes back may stand on other lists by then. RFC 6647 says how to do it.
SPEC, section 1, row 3.

The peer's network counts (/24, in IPv6 /64), since the next try may come from a neighbour. So do senders that are
another address for each message (VERP, SRS, BATV): what changes in them is left out (`stable_sender`), or mail from
them would be new for ever. Who comes back with another sender waits again.

Off by default: it delays honest mail. The exemptions are options, and off, too.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Final

from msgspec import Meta

from tamis.addresses import domain_of
from tamis.contract import Abstain, Context, Filter, FilterOptions, Hit, Stage
from tamis.lists import PLATFORM, BadEntry, ListName, normalise_value, recipient_domain
from tamis.mail import Mail
from tamis.networks import contains, network_around

_SRS: Final = re.compile(r"srs[01][=+-][^=]{0,64}=[^=@]{0,64}=")
_WORD: Final = re.compile(r"[^-+=._#]+")
_HEXADECIMAL: Final = re.compile(r"[0-9a-f]{4,}")
_AWAY: Final = "first tries cannot be remembered: there is no Redis, or it does not answer"


def stable_sender(sender: str) -> str:
    """Return a normalised sender without what differs from message to message.

    Of the local part: what follows a ``+``, the hash and the day of SRS, and each word with a digit in it, or of four
    and more letters that all are hexadecimal digits. The words are those between ``- + = . _``.
    """
    local, at, domain = sender.rpartition("@")
    rewritten = _SRS.match(local)
    local = f"srs={local[rewritten.end() :]}" if rewritten else local.partition("+")[0]
    return _WORD.sub(_word, local) + at + domain


def _word(found: re.Match[str]) -> str:
    word = found[0]
    varies = _HEXADECIMAL.fullmatch(word) or any(letter.isdigit() for letter in word)
    return "#" if varies else word


class Greylisting(Filter):
    name = "greylisting"
    stage = Stage.RECIPIENT
    needs_peer = True
    tests = {"GREYLISTED": "a first try, which has not come back yet"}

    class Options(FilterOptions, frozen=True):
        delay_minutes: Annotated[float, Meta(gt=0, le=30)] = 5.0
        retry_hours: Annotated[int, Meta(ge=1, le=168)] = 24
        lifetime_days: Annotated[int, Meta(ge=1, le=365)] = 35
        pass_peer_after: Annotated[int, Meta(ge=0, le=100)] = 5
        exempt_domains: tuple[str, ...] = ()
        exempt_networks: tuple[str, ...] = ()
        exempt_null_sender: bool = False
        exempt_whitelisted: bool = False

        def __post_init__(self) -> None:
            for key, kind in (("exempt_domains", None), ("exempt_networks", ListName.BAN_IP)):
                for value in getattr(self, key):
                    try:
                        written = normalise_value(kind, value) if kind else recipient_domain(value)
                    except BadEntry as error:
                        raise ValueError(f"{key}: {error}") from None
                    if written != value:
                        raise ValueError(f"{key}: write {written!r} for {value!r}")

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        assert mail.peer is not None
        options = ctx.options
        asked = [one for one in dict.fromkeys(ctx.recipients) if not _whitelisted(mail, ctx, one)]
        if not asked or _exempt(mail, options):
            return
        if ctx.greylist is None:
            raise Abstain(_AWAY)
        network = network_around(mail.peer, 24, 64)
        waits = ctx.greylist.waits(
            network,
            stable_sender(mail.sender),
            asked,
            ctx.now,
            delay=60 * options.delay_minutes,
            retry=3600 * options.retry_hours,
            lifetime=86_400 * options.lifetime_days,
            enough=options.pass_peer_after,
        )
        if waits is None:
            raise Abstain(_AWAY)
        for recipient, wait in zip(asked, waits, strict=False):
            if wait:
                because = f"{network} is new with this sender and recipient: {wait:.0f} s to wait"
                yield Hit("GREYLISTED", because, True, recipient=recipient)


def _exempt(mail: Mail, options: Greylisting.Options) -> bool:
    assert mail.peer is not None
    name = mail.rdns.rstrip(".").lower()
    return (
        (options.exempt_null_sender and mail.sender_known and not mail.sender)
        or any(name == domain or name.endswith(f".{domain}") for domain in options.exempt_domains)
        or contains(options.exempt_networks, mail.peer)
    )


def _whitelisted(mail: Mail, ctx: Context, recipient: str) -> bool:
    """Whether row 4 would let the peer through to that recipient, where the option asks for it."""
    if not ctx.options.exempt_whitelisted or mail.peer is None:
        return False
    domains = (PLATFORM, domain_of(recipient))
    return any(ctx.lists.match_ip(ListName.WHITELIST_IP, domain, mail.peer, ctx.now) for domain in domains)
