"""Templates of what people read: escaped but for plain text, strict, with the texts of a language."""

from datetime import UTC, datetime
from typing import Any

from babel.dates import format_datetime
from jinja2 import BaseLoader, Environment, StrictUndefined

from tamis.translations import catalogue


def environment(loader: BaseLoader, language: str) -> Environment:
    """Return the templates of a loader in a language. Those named ``.txt`` are plain text, all others HTML."""
    found = Environment(
        loader=loader,
        autoescape=lambda name: not (name or "").endswith(".txt"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        extensions=["jinja2.ext.i18n"],
    )
    texts = catalogue(language)
    # The extension adds this one.
    install: Any = found.install_gettext_callables  # type: ignore[attr-defined]
    install(texts.gettext, texts.ngettext, newstyle=True)

    def moment(when: datetime) -> str:
        """A time of the tables, which is UTC."""
        return f"{format_datetime(when.replace(tzinfo=UTC), 'd MMM y, HH:mm', locale=language)} UTC"

    found.globals["language"] = language
    found.filters["moment"] = moment
    return found
