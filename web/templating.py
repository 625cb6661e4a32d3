"""The templates of the pages, in each language."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader

from tamis.templating import environment
from tamis.translations import LANGUAGES

STATIC: Final = Path(__file__).parent / "static"


class Templates:
    """The templates, ready to be filled in."""

    def __init__(self, prefix: str) -> None:
        self._environments = {language: _environment(language, prefix) for language in LANGUAGES}

    def text(self, language: str, template: str, values: dict[str, Any]) -> str:
        """Return a template filled in."""
        return self._environments[language].get_template(template).render(values)


@cache
def static_path(name: str) -> str:
    """Return a file of ours as a path that changes whenever the file does, so that browsers may keep it."""
    digest = hashlib.blake2b((STATIC / name).read_bytes(), digest_size=6).hexdigest()
    return f"/static/{name}?{digest}"


@cache
def _environment(language: str, prefix: str) -> Environment:
    found = environment(PackageLoader("tamis.web"), language)
    found.globals["url"] = lambda path: f"{prefix}{path}"
    found.globals["static"] = lambda name: f"{prefix}{static_path(name)}"
    return found
