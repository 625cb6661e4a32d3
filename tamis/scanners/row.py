"""What rows 1 and 24 have in common: does a virus scanner know this malware?

Why it works: those who make signatures see new malware within hours, and a scanner opens what a mail filter does not:
archives, documents, executables. Rows 1 and 24 ask the scanners of the first and of the second stage (`[clamd.NAME]`),
all of a stage side by side; SPEC, section 1, rows 1 and 24.

Names that stand for a guess and not for a known file (`score_only`) add to the score, and decide nothing. A verdict
depends on the content and the signatures alone, and is kept for a while under both.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from tamis.contract import Abstain, Context, Filter, FilterOptions, Hit, Stage
from tamis.mail import Mail
from tamis.scanners import shown
from tamis.site import Site

UNAVAILABLE: Final = "AV_UNAVAILABLE"
"""Printed on what passed without having been scanned by all."""


class AntivirusRow(Filter):
    """The row of one stage. Its `tests` are two: what is known, and what is guessed."""

    stage = Stage.MESSAGE
    scores = True
    of_stage: ClassVar[int]

    class Options(FilterOptions, frozen=True):
        score_only: tuple[str, ...] = ("Heuristics.*", "PUA.*")
        points: Annotated[float, Meta(ge=0, le=100)] = 3.0

    def site_cache_key(self, site: Site, mail: Mail) -> bytes | None:
        if site.scanners is None or not site.scanners.antivirus.of_stage(self.of_stage):
            return None
        signatures = site.scanners.antivirus.signatures(self.of_stage)
        content = shown.digest(mail.message) if signatures else None
        return None if signatures is None or content is None else signatures + content

    def start(self, mail: Mail, ctx: Context) -> None:
        ctx.scans.start_antivirus(self.of_stage)

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        said = ctx.scans.antivirus(self.of_stage)
        found = [(one, f"{one.scanner} finds {one.virus}") for one in said if one.virus]
        known, guessed = self.tests
        for one, because in found:
            if not any(fnmatchcase(one.virus, pattern) for pattern in ctx.options.score_only):
                yield Hit(known, because, decides=True, amount=0.0)
                return
        unanswered = [f"{one.scanner}: {one.unanswered}" for one in said if one.unanswered]
        if unanswered:
            scanners = ctx.site.scanners
            ask_again = scanners is not None and scanners.antivirus.asks_again
            raise Abstain("not scanned: " + "; ".join(unanswered), test=UNAVAILABLE, ask_again=ask_again)
        if any(one.too_large for one in said):
            raise Abstain("larger than the scanner takes", test="SIZE_CAPPED")
        if found:
            yield Hit(guessed, found[0][1], amount=ctx.options.points)
