"""The configuration file: found, read and checked. Its keys are `tamis.settings`."""

import difflib
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tamis import toml_lines
from tamis.lists import BadEntry, recipient_domain
from tamis.mistakes import Problem, convert, dotted
from tamis.settings import Settings

DEFAULT_PATH: Final = Path("/etc/tamis/tamis.toml")
ENVIRONMENT: Final = "TAMIS_CONFIG"


class ConfigError(Exception):
    """A configuration that cannot be used; `problems` lists every mistake found."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True)
class Config:
    """Settings together with where each came from."""

    settings: Settings
    file: str = ""
    lines: dict[toml_lines.Path, int] | None = None

    def source(self, *path: str | int) -> str:
        """Return where a key was set, as ``file:line``, or ``default``."""
        if self.lines and path in self.lines:
            return f"{self.file}:{self.lines[path]}"
        return "default"

    @property
    def state_directory(self) -> Path:
        return Path(self.settings.daemon.state_directory)

    @property
    def database_url(self) -> str:
        return self.settings.database.url or f"sqlite:///{self.state_directory / 'tamis.db'}"

    @property
    def spool_folder(self) -> Path:
        """Where the octets of held messages are."""
        return Path(self.settings.quarantine.spool or self.state_directory / "spool")

    @property
    def unscanned_folder(self) -> Path:
        """Where mail waits that passed while no virus scanner answered."""
        return self.state_directory / "unscanned"

    @property
    def site_model(self) -> Path:
        """The model that learning writes."""
        return Path(self.settings.classifier.model or self.state_directory / "model.bin")


def find(path: str | None) -> Path | None:
    """Return the file to read: the one given, the environment's, or the system's where it exists."""
    if path:
        return Path(path)
    if os.environ.get(ENVIRONMENT):
        return Path(os.environ[ENVIRONMENT])
    return DEFAULT_PATH if DEFAULT_PATH.exists() else None


def load(path: Path | None) -> Config:
    """Read a configuration file, or give the defaults where there is none. Raises `ConfigError`."""
    if path is None:
        return Config(Settings())
    try:
        text = path.read_bytes().decode("utf-8-sig")  # Some editors begin a file with a byte order mark.
    except OSError as error:
        raise ConfigError([Problem(str(path), None, "", error.strerror or str(error))]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([Problem(str(path), None, "", f"is not UTF-8: {error.reason}")]) from None
    return parse(text, str(path))


def parse(text: str, file: str) -> Config:
    """Read configuration text; `file` is only named. Raises `ConfigError` with every mistake found."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        at = re.search(r"\s*\(at line (\d+), column \d+\)$", message)
        line = int(at.group(1)) if at else text.count("\n") + 1
        raise ConfigError([Problem(file, line, "", message[: at.start()] if at else message)]) from None
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits, thousands of brackets: tomllib does not say where.
        text = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ConfigError([Problem(file, None, "", text)]) from None
    lines = toml_lines.key_lines(text)
    problems: list[Problem] = []
    settings = convert(data, Settings, (), file, lines, problems)
    if settings is not None:
        problems.extend(_check_policies(settings, file, lines))
    if problems or settings is None:
        raise ConfigError(sorted(problems, key=lambda problem: problem.line or 0))
    return Config(settings, file, lines)


def _check_policies(settings: Settings, file: str, lines: dict[toml_lines.Path, int]) -> list[Problem]:
    """Check the sections of filters against the filters' own options, and the names of domains."""
    from tamis.filters import order

    problems: list[Problem] = []
    sections: list[tuple[toml_lines.Path, dict[str, dict[str, Any]]]] = [(("policy",), settings.policy.filters)]
    for domain, section in settings.domain.items():
        sections.append((("domain", domain), section.filters))
        try:
            normalised = recipient_domain(domain)
        except BadEntry:
            normalised = ""
        if normalised != domain:
            text = "not a domain name in lower case" + (f"; write {normalised!r}" if normalised else "")
            problems.append(Problem(file, toml_lines.line_of(lines, ("domain", domain)), f'domain."{domain}"', text))
    for path, filters in sections:
        for name, values in filters.items():
            where = (*path, "filters", name)
            if name not in order.BY_NAME:
                near = difflib.get_close_matches(name, list(order.BY_NAME), 1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                line = toml_lines.line_of(lines, where)
                problems.append(Problem(file, line, dotted(where), f"there is no filter of that name{hint}"))
                continue
            convert(dict(values), order.BY_NAME[name].settings_type(), where, file, lines, problems)
    return problems
