"""The HTTP interface to what decisions would have been under a changed policy."""

from typing import Any, Final

from tamis.addresses import normalise_domain
from tamis.filters.order import BY_NAME
from tamis.history.replay import Changed
from tamis.policy import Mode
from tamis.settings import LEVELS
from tamis.web.console.access import Console
from tamis.web.console.replays import DAYS, MOST, replayed
from tamis.web.console.tokens import api_route

Json = dict[str, Any]


def _replay(console: Console, _: Json) -> Json:
    changed, days = _changed(console), console.asked("days", "1")
    if days not in DAYS:
        raise ValueError(f"days is one of {', '.join(DAYS)}")
    found = replayed(console, changed, normalise_domain(console.asked("domain")), int(days))
    return {
        "recipients": found.recipients,
        "changed": found.changed,
        "uncertain": found.uncertain,
        "cut": found.recipients >= MOST,
        "differences": [
            {
                "before": {"verdict": kind[0], "action": kind[1]},
                "after": {"verdict": kind[2], "action": kind[3]},
                "recipients": difference.number,
                "examples": [
                    {"decision": one.id, "score": outcome.score / 1000, "row": outcome.row or None,
                     "because": outcome.because, "certain": outcome.certain}
                    for one, _share, outcome in difference.examples
                ],
            }
            for kind, difference in sorted(found.differences.items())
        ],
    }  # fmt: skip


def _changed(console: Console) -> Changed:
    """Return what is asked to be another. Raises ValueError."""
    level, mode = console.asked("level"), console.asked("mode")
    off = frozenset(console.request.query_params.getlist("off"))
    if level and level not in [f"{one:g}" for one in LEVELS]:
        raise ValueError(f"level is one of {', '.join(f'{one:g}' for one in LEVELS)}")
    if mode and mode not in [one.value for one in Mode]:
        raise ValueError(f"mode is one of {', '.join(one.value for one in Mode)}")
    if not off <= BY_NAME.keys():
        raise ValueError("off is the name of a row")
    changed = Changed(float(level) if level else None, mode or None, off)
    if changed == Changed():
        raise ValueError("say what is changed: level, mode or off")
    return changed


ROUTES: Final = [api_route("/replay", "GET", _replay)]
