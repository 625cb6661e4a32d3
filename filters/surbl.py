"""Row 23: do half of the URL lists name a domain in the message?

Why it works: spam comes from anywhere, but wants people to go to one place, and that place is soon known. The
lists are read and vote as in row 16. SPEC, section 1, row 23.

Which lists there are is configured once for the site (`[dnslists]`, kind url); none is by default. Not asked about are
recipients' own domains, `networks.own_names`, and shorteners, which stand for no one place.

Links that pretend to lead elsewhere only score, whatever the lists say, and where there are none
(`tamis.phishing.link_signs`).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Final

import msgspec

from tamis import limits
from tamis.addresses import domain_of
from tamis.authentication.domains import organisational
from tamis.contract import Abstain, Context, Filter, FilterOptions, Hit, Stage
from tamis.dns import Question
from tamis.dns_lists import DnsList, of_kind
from tamis.dns_votes import Subject, questions, vote
from tamis.images.pictures import Pictures
from tamis.mail import Mail
from tamis.phishing import link_signs
from tamis.phishing.brands import data_version, hosts
from tamis.phishing.sign import as_hits
from tamis.private_space import is_private
from tamis.site import Site

SOME_POINTS: Final = 1.0
"""What it adds to the score that fewer lists name a domain than decide."""

SHORTENERS: Final = hosts().shorteners | {"fb.me", "t.me", "trib.al", "wp.me", "youtu.be"}


class Surbl(Filter):
    name = "surbl"
    stage = Stage.MESSAGE
    scores = True
    tests = {
        "SURBL_LISTED": "enough URL lists name a domain or an address in the message",
        "SURBL_SOME": "a URL list names a domain or an address in the message, but fewer do than decide",
        "SURBL_CAPPED": "the message names more domains than the lists are asked about",
        **{name: sign.meaning for name, sign in link_signs.SIGNS.items()},
    }
    given = {"SURBL_SOME": SOME_POINTS, **{name: sign.points for name, sign in link_signs.SIGNS.items()}}
    version = data_version()

    class Options(FilterOptions, frozen=True):
        share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5
        answers: Annotated[int, msgspec.Meta(ge=1, le=20)] = 2

    def site_queries(self, site: Site, mail: Mail, options: Options) -> Iterable[Question]:
        lists = of_kind(site.dns_lists, "url")
        return questions(lists, _subjects(mail, site, lists)[0]) if lists else ()

    def lasting_key(self, mail: Mail, options: Options) -> bytes | None:
        return mail.message.digest

    def lasting(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        return as_hits(link_signs.found_in(mail, ctx.recipients), link_signs.SIGNS)

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        lists, options = of_kind(ctx.site.dns_lists, "url"), ctx.options
        signs = self.kept(mail, ctx)
        if not lists and of_kind(ctx.site.mute_lists, "url"):
            raise Abstain("no list has a vote: none has passed its test", signs)
        if not lists:
            yield from signs
            return
        subjects, left_out = _subjects(mail, ctx.site, lists, ctx.pictures)
        tallies = vote(ctx.dns, lists, subjects)
        decisive = [tally for tally in tallies if tally.decides(options.share, options.answers)]
        some = [tally for tally in tallies if tally.listing]
        undecided = [tally for tally in tallies if tally.undecided(options.answers)]
        if not some and undecided:
            first = undecided[0]
            raise Abstain(f"only {first.answered} of {first.asked} lists answered about {first.subject}", signs)
        if not some and mail.message.capped:
            raise Abstain("a cap kept some of the message from being looked at", signs)
        for tally in decisive[:1]:
            yield Hit("SURBL_LISTED", str(tally), decides=True, amount=0.0)
        for tally in some[:1] if not decisive else ():
            yield Hit("SURBL_SOME", str(tally), amount=SOME_POINTS)
        if left_out:
            yield Hit("SURBL_CAPPED", f"the lists were asked about {len(subjects)} domains and no more", amount=0.0)
        yield from signs


def _subjects(
    mail: Mail, site: Site, lists: Sequence[DnsList], pictures: Pictures | None = None
) -> tuple[list[Subject], bool]:
    """Return what the lists are asked about, and whether something was left out for want of room.

    What QR codes lead to comes first: it is what the message is for. Without `pictures` they are not looked at.

    Of too many, those from the middle: who pads a message does so before what matters, or behind it.
    """
    own = {organisational(domain_of(recipient)) for recipient in mail.recipients}
    links = mail.message.links
    coded = pictures.links.subjects if pictures else ()
    found: list[Subject] = []
    for subject in dict.fromkeys((*coded, *links.subjects)):
        if isinstance(subject, str):
            if subject not in own and subject not in SHORTENERS and not site.is_own(subject):
                found.append(subject)
        elif not is_private(subject) and any(one.addresses for one in lists):
            found.append(subject)
    room = max(1, min(limits.LINK_SUBJECTS, limits.LINK_QUESTIONS // len(lists)))
    if len(found) <= room:
        return found, links.capped
    first = (room + 1) // 2
    return found[:first] + found[len(found) - (room - first) :], True
