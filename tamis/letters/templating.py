"""The templates of mail: the shipped ones, and those with which a site replaces them."""

import logging
from typing import Any, Final

from jinja2 import FileSystemLoader, PackageLoader, TemplateError, TemplateNotFound

from tamis.templating import environment
from tamis.translations import LANGUAGES

_log: Final = logging.getLogger("tamis")


class LetterTemplates:
    """Templates in each language; those in `folder` count where they are there and can be filled in."""

    def __init__(self, folder: str = "") -> None:
        self._shipped = {language: environment(PackageLoader("tamis.letters"), language) for language in LANGUAGES}
        self._own = {language: environment(FileSystemLoader(folder), language) for language in LANGUAGES if folder}

    def text(self, language: str, name: str, values: dict[str, Any]) -> str:
        """Return a template filled in: of ``notice.fr.txt`` and ``notice.txt`` of the site the first that is there."""
        own = self._own.get(language)
        if own is not None:
            base, _, kind = name.rpartition(".")
            names = [f"{base}.{language}.{kind}", name]
            try:
                return own.select_template(names).render(values)
            except (TemplateError, OSError, ValueError, TypeError) as error:
                # Unless there is none: the mail must go all the same.
                if not (isinstance(error, TemplateNotFound) and error.message == _none_of(names)):
                    _log.error("a template of notices.templates cannot be used: %s: %s", name, error)
        return self._shipped[language].get_template(name).render(values)


def _none_of(names: list[str]) -> str:
    """What Jinja says where none of these templates is there; one that includes another says something else."""
    return f"none of the templates given were found: {', '.join(names)}"
