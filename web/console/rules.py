"""The rules in force, and what held mail that traps got and people flagged proposes: to be copied by a person.

Nothing is written from here: a rule file is the operator's, who checks it by `tamis rules check`.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from tamis import limits
from tamis.accounts import Role
from tamis.history.queries import hours
from tamis.rules.material import flagged_held, known_as_ham
from tamis.rules.proposing import MODEL_SAYS, Proposal, as_toml, propose
from tamis.rules.reading import RulesError, read
from tamis.rules.rule import Rule, Use, test_name
from tamis.rules.sources import RuleFiles
from tamis.web.console.access import Console, shown

_DAYS: Final = 7
"""Days of which it is counted what a rule has decided."""
_SPANS: Final = ("7", "30")
_LEAST: Final = 5
"""Messages that a phrase must be in, as the command has it."""
_MOST: Final = 20
"""Rules that are proposed."""
_ASKED: Final = (20, 600)
"""So many proposals for one account in so many seconds: they cost seconds of a processor."""


@dataclass(frozen=True, slots=True)
class Line:
    """One rule on the page; `decided` recipients in the last days."""

    name: str
    file: str
    rule: Rule
    decided: int


def in_force(console: Console) -> tuple[list[Line], list[str]]:
    """Return the rules, in the order of their files, and the mistakes in these."""
    files = RuleFiles(console.house.config)
    mistakes: list[str] = []
    try:
        rules = files.read()
    except RulesError as error:
        mistakes = [str(one) for one in error.mistakes]
        rules = _what_can_be(files)
    origins, decided = files.origins(), _decided(console)
    return [Line(name, origins.get(name, ""), rule, decided[test_name(name)]) for name, rule in rules.items()], mistakes


def _show(console: Console) -> Response:
    lines, mistakes = in_force(console)
    groups = {file: [line for line in lines if line.file == file] for file in dict.fromkeys(one.file for one in lines)}
    return console.page("rules.html", groups=groups, mistakes=mistakes, days=_DAYS, part=Use.PART, number=len(lines))


def _what_can_be(files: RuleFiles) -> dict[str, Rule]:
    try:
        return files.read_what_can_be()
    except RulesError:
        return {}


def _decided(console: Console) -> Counter[str]:
    found: Counter[str] = Counter()
    with console.history.reading() as connection:
        if connection is not None:
            for _, name, amount in hours(connection, "test", datetime.now(UTC) - timedelta(days=_DAYS)):
                found[name] += amount
    return found


def proposed(console: Console, days: int) -> tuple[list[Proposal], int, str]:
    """Return what is proposed, of how many messages, and as a rule file. Raises `HTTPException`, 429.

    A question, not a change: made anew each time it is asked.
    """
    if not console.house.limiter.allows("propose", console.account.name, *_ASKED):
        raise HTTPException(429)
    config, since = console.house.config, datetime.now(UTC) - timedelta(days=days)
    mail = flagged_held(config, console.house.store, since, limits.CONSOLE_PROPOSAL_MESSAGES)
    proposals, flagged, _ = propose(mail, (), _LEAST, _MOST, known_as_ham(config))
    text = as_toml(proposals, flagged, MODEL_SAYS)
    read([("proposed", text)])
    return proposals, flagged, text


def _propose(console: Console) -> Response:
    days = console.asked("days", _SPANS[-1])
    days = days if days in _SPANS else _SPANS[-1]
    proposals, flagged, text = proposed(console, int(days))
    return console.page(
        "proposals.html",
        proposals=proposals,
        flagged=flagged,
        text=text,
        lines=text.count("\n") + 1,
        days=days,
        spans=_SPANS,
        least=_LEAST,
        most=limits.CONSOLE_PROPOSAL_MESSAGES,
        files=console.house.config.settings.rules.files,
    )


ROUTES: Final = [
    Route("/console/rules", shown(_show, Role.PLATFORM, Role.AUDITOR), methods=["GET"]),
    Route("/console/rules/proposals", shown(_propose, Role.PLATFORM, Role.AUDITOR), methods=["GET"]),
]
