"""Whether all is well: what waits, how old the model and the lists are, what the history keeps."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import func, select
from starlette.responses import Response
from starlette.routing import Route

from tamis.accounts import Role
from tamis.database import LIST_ENTRY
from tamis.history.queries import kept
from tamis.list_store import ListStore, configured_entries
from tamis.metrics.health import look
from tamis.model_source import model_path
from tamis.web.console.access import Console, shown


def _show(console: Console) -> Response:
    config = console.house.config
    store = ListStore(config.database_url)
    found = look(config, store)
    with console.history.reading() as connection:
        history = kept(connection, datetime.now(UTC) - timedelta(days=1)) if connection is not None else None
    path = model_path(config)
    return console.page(
        "health.html",
        reasons=found.reasons,
        gauges=found.gauges,
        history=history,
        model=path.name if path == config.site_model else "",
        model_written=_written(path),
        lists=_lists(console, store),
    )


def _written(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return None


def _lists(console: Console, store: ListStore) -> list[tuple[str, int, int]]:
    """Return each list with how many entries the database and the configuration have of it."""
    amounts: dict[str, list[int]] = {}
    query = select(LIST_ENTRY.c.list, func.count()).group_by(LIST_ENTRY.c.list)
    with store.read() as connection:
        if connection is not None:
            for name, number in connection.execute(query):
                amounts.setdefault(str(name), [0, 0])[0] += int(number)
    for entry in configured_entries(console.house.config):
        amounts.setdefault(entry.list.value, [0, 0])[1] += 1
    return [(name, *numbers) for name, numbers in sorted(amounts.items())]  # type: ignore[misc]


ROUTES: Final = [Route("/console/health", shown(_show, Role.PLATFORM, Role.AUDITOR), methods=["GET"])]
