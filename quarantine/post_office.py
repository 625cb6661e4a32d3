"""Letters of ours, written from templates with links to the pages, and handed to the MTA."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tamis.config import Config
from tamis.letters.letter import Letter, octets
from tamis.mail import new_id
from tamis.once import once
from tamis.quarantine.post import Posted, post
from tamis.quarantine.smtp import Listener
from tamis.secret import read_secret
from tamis.tokens import Purpose, Tokens

if TYPE_CHECKING:
    from tamis.letters.templating import LetterTemplates


class PostOffice:
    """Writes and sends. One thread at a time; nothing is loaded before the first letter."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._listener = Listener(config.settings.delivery.server, config.settings.delivery.timeout_seconds)

    @property
    def has_pages(self) -> bool:
        """Whether there is a page that a letter may lead to."""
        return bool(self._config.settings.web.base_url)

    @once
    def _tokens(self) -> Tokens:
        return Tokens(read_secret(self._config))

    @once
    def _templates(self) -> "LetterTemplates":
        # The daemon's other processes have no need of it.
        from tamis.letters.templating import LetterTemplates

        return LetterTemplates(self._config.settings.notices.templates)

    @property
    def _host(self) -> str:
        return urlsplit(self._config.settings.web.base_url).hostname or "localhost"

    def link(self, purpose: Purpose, subject: str, seconds: float) -> str:
        """Return a link to the page of a purpose. Raises `OSError` where the secret cannot be read."""
        return f"{self._config.settings.web.base_url}/{purpose}/{self._tokens.make(purpose, subject, seconds)}"

    def write(
        self, name: str, language: str, to: str, values: dict[str, Any], automatic: str, answers: str = ""
    ) -> bytes:
        """Return the letter of the templates ``NAME.subject.txt``, ``NAME.txt`` and ``NAME.html``."""
        subject, text, html = (
            self._templates.text(language, f"{name}.{kind}", values) for kind in ("subject.txt", "txt", "html")
        )
        host = self._host
        address = self._config.settings.notices.from_address or f"postmaster@{host}"
        letter = Letter(to, subject, text, html, language, automatic, answers)
        sender_name = self._config.settings.notices.from_name
        return octets(letter, address, sender_name, f"<{new_id()}.{name}@{host}>", datetime.now(UTC))

    def send(self, to: str, letter: bytes, at_dot: Callable[[], bool]) -> Posted:
        """Send a letter, as `post` does."""
        return post(self._listener, to, letter, at_dot)

    def close(self) -> None:
        """End the connection; it is opened again when it is needed."""
        self._listener.close()
