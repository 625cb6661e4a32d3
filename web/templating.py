"""The templates of the pages, in each language."""

import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from babel.dates import format_datetime
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from tamis.translations import LANGUAGES, catalogue

STATIC: Final = Path(__file__).parent / "static"


class Templates:
    """The templates, ready to be filled in."""

    def __init__(self, prefix: str) -> None:
        self._environments = {language: _environment(language, prefix) for language in LANGUAGES}

    def text(self, language: str, template: str, values: dict[str, Any]) -> str:
        """Return a template filled in."""
        return self._environments[language].get_template(template).render({"language": language, **values})


@cache
def static_path(name: str) -> str:
    """Return a file of ours as a path that changes whenever the file does, so that browsers may keep it."""
    digest = hashlib.blake2b((STATIC / name).read_bytes(), digest_size=6).hexdigest()
    return f"/static/{name}?{digest}"


def _environment(language: str, prefix: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("tamis.web"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    texts = catalogue(language)
    # Its extension adds this one.
    install: Any = environment.install_gettext_callables  # type: ignore[attr-defined]
    install(texts.gettext, texts.ngettext, newstyle=True)

    def moment(when: datetime) -> str:
        """A time of the tables, which is UTC."""
        return f"{format_datetime(when.replace(tzinfo=UTC), 'd MMM y, HH:mm', locale=language)} UTC"

    environment.globals["url"] = lambda path: f"{prefix}{path}"
    environment.globals["static"] = lambda name: f"{prefix}{static_path(name)}"
    environment.filters["moment"] = moment
    return environment
