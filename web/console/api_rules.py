"""The HTTP interface to rules: those in force, and what is proposed."""

from typing import Any, Final

from tamis.accounts import Role
from tamis.web.console.access import Console
from tamis.web.console.rules import in_force, proposed
from tamis.web.console.tokens import api_route

_SPANS: Final = ("7", "30")
Json = dict[str, Any]


def _rules(console: Console, _: Json) -> Json:
    lines, mistakes = in_force(console)
    found = [
        {
            "name": one.name,
            "file": one.file,
            "description": one.rule.description,
            "use": one.rule.use.value,
            "enabled": one.rule.enabled,
            "decides": one.rule.decides,
            "score": one.rule.score,
            "decided": one.decided,
        }
        for one in lines
    ]
    return {"rules": found, "mistakes": mistakes}


def _proposals(console: Console, _: Json) -> Json:
    days = console.asked("days", _SPANS[-1])
    if days not in _SPANS:
        raise ValueError(f"days is one of {', '.join(_SPANS)}")
    proposals, flagged, text = proposed(console, int(days))
    found = [{"phrase": one.phrase, "flagged": one.flagged} for one in proposals]
    return {"proposals": found, "flagged": flagged, "toml": text}


ROUTES: Final = [
    api_route("/rules", "GET", _rules, Role.PLATFORM, Role.AUDITOR),
    api_route("/rules/proposals", "GET", _proposals, Role.PLATFORM, Role.AUDITOR),
]
