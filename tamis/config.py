"""The configuration file: typed, with a default for every key, and mistakes named by file, line and key.

The structures below are the reference of every key (`docs/configuration.md` is held to them by a test).
"""

import difflib
import ipaddress
import os
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec

from tamis import toml_lines
from tamis.lists import BadEntry, ListName, normalise_value, recipient_domain
from tamis.mail import parse_ip

DEFAULT_PATH: Final = Path("/etc/tamis/tamis.toml")
ENVIRONMENT: Final = "TAMIS_CONFIG"

LEVELS: Final = (3.0, 4.5, 6.0, 7.5, 9.0, 10.5, 12.0)
"""The seven levels; a lower one is more aggressive (SPEC, section 2)."""


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the configuration file."""


def _impossible(key: str, text: str) -> ValueError:
    """An impossible value of one key of a section; `_explain` takes the key out of the text again."""
    return ValueError(f"{key}: {text}")


def _check_level(level: float) -> None:
    if level not in LEVELS:
        known = ", ".join(f"{known:g}" for known in LEVELS)
        raise _impossible("level", f"{level:g} is not one of the seven levels {known}")


def _is_socket(value: str) -> bool:
    inet = re.fullmatch(r"inet:([0-9]{1,5})@(\[[^\[\]]+\]|[^\[\]]+)", value)
    if inet is None:
        return re.fullmatch(r"unix:/.{1,106}|fd:[0-9]{1,3}|systemd", value) is not None
    return int(inet[1]) < 65536 and parse_ip(inet[2].strip("[]")) is not None


def _sockets(values: Iterable[str]) -> None:
    for value in values:
        if not _is_socket(value):
            raise _impossible(
                "listen", f"{value!r} is not a socket: write unix:/run/tamis/tamis.sock, inet:8895@127.0.0.1 or systemd"
            )


def _networks(key: str, values: Iterable[str]) -> None:
    for value in values:
        try:
            ipaddress.ip_network(value)
        except ValueError as error:
            raise _impossible(key, f"{value!r} is not an IP address or network: {error}") from None


class Daemon(Section, frozen=True):
    """`tamis serve`: where it listens and how it runs."""

    listen: tuple[str, ...] = ("unix:/run/tamis/tamis.sock",)
    socket_mode: Annotated[str, msgspec.Meta(pattern="^0?[0-7]{3}$")] = "0660"
    socket_group: str = ""
    workers: Annotated[int, msgspec.Meta(ge=0, le=256)] = 0
    user: str = "tamis"
    state_directory: str = "/var/lib/tamis"
    runtime_directory: str = "/run/tamis"
    drain_seconds: Annotated[float, msgspec.Meta(gt=0, le=600)] = 30.0

    def __post_init__(self) -> None:
        if not self.listen:
            raise _impossible("listen", "at least one socket is needed")
        _sockets(self.listen)
        for name in ("state_directory", "runtime_directory"):
            if not getattr(self, name).startswith("/"):
                raise _impossible(name, "must be an absolute path")


class Networks(Section, frozen=True):
    """Whose connections are not strangers' (SPEC, section 0)."""

    own: tuple[str, ...] = ()
    trusted_relays: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _networks("own", self.own)
        _networks("trusted_relays", self.trusted_relays)


HeaderName = Annotated[str, msgspec.Meta(pattern=r"^(|[A-Za-z][A-Za-z0-9-]{0,75})$")]


_NOT_OURS: Final = frozenset(
    {
        "received",
        "return-path",
        "from",
        "sender",
        "reply-to",
        "to",
        "cc",
        "bcc",
        "subject",
        "date",
        "message-id",
        "in-reply-to",
        "references",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "content-disposition",
        "content-id",
        "dkim-signature",
        "arc-seal",
        "arc-message-signature",
        "arc-authentication-results",
        "authentication-results",
        "list-id",
        "list-unsubscribe",
        "list-unsubscribe-post",
        "auto-submitted",
    }
)
"""Names whose removal would damage a message or its signatures."""


class Headers(Section, frozen=True):
    """The name of each header written; an empty name switches it off (SPEC, section 4)."""

    score: HeaderName = "X-Ico-Bay"
    status: HeaderName = "X-Spam-Status"
    return_path: HeaderName = "X-Error-Return-Path"
    helo: HeaderName = "X-HELO-In-Domain"
    peer: HeaderName = "X-ORG-IN-IP-Address"
    whitelisted: HeaderName = "X-Icodia-SpamFilter-WL"
    recipient: HeaderName = "X-RCPT-TO"
    id: HeaderName = "X-IcoServerMsgID"
    verdict: HeaderName = "X-Tamis-Verdict"
    spamassassin_spelling: bool = False

    def __post_init__(self) -> None:
        seen: dict[str, str] = {}
        for key, name in self.names().items():
            if name.lower() in _NOT_OURS:
                raise _impossible(key, f"{name!r} is a field of the message itself, whose copies would be removed")
            if name.lower() in seen:
                raise _impossible(key, f"{name!r} is already the name of {seen[name.lower()]}")
            seen[name.lower()] = key

    def names(self) -> dict[str, str]:
        """Map each key that names a header to the name it writes, the switched-off ones left out."""
        return {key: value for key, value in msgspec.structs.asdict(self).items() if value and isinstance(value, str)}


class Log(Section, frozen=True):
    """The decision line of each message and the daemon's own messages, on standard error."""

    format: Literal["logfmt", "json"] = "logfmt"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Redis(Section, frozen=True):
    """Cached answers. Without a url the daemon runs a private redis-server of its own."""

    url: Annotated[str, msgspec.Meta(pattern="^(|(redis|rediss|unix)://.+)$")] = ""
    server: str = "redis-server"
    maxmemory: Annotated[str, msgspec.Meta(pattern="^[0-9]+(kb|mb|gb)$")] = "64mb"
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=5)] = 0.2
    answer_lifetime_seconds: Annotated[int, msgspec.Meta(ge=1, le=604800)] = 3600

    def __post_init__(self) -> None:
        try:
            _ = urlsplit(self.url).port
        except ValueError as error:
            raise _impossible("url", f"not a Redis url: {error}") from None


class Database(Section, frozen=True):
    """Lists kept by command. Without a url, SQLite in the state directory."""

    url: str = ""


class Classifier(Section, frozen=True):
    """The naive-Bayes model. Without a path, the site's own in the state directory, else the shipped one."""

    model: str = ""


class PlatformLists(Section, frozen=True):
    """Entries that hold for every recipient; those of a domain stand in its own section."""

    whitelist_ip: tuple[str, ...] = ()
    whitelist_sender: tuple[str, ...] = ()
    blacklist_ip: tuple[str, ...] = ()
    blacklist_sender: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ListName:
            for value in getattr(self, name.value):
                try:
                    normalise_value(name, value)
                except BadEntry as error:
                    raise _impossible(name.value, str(error)) from None


class PolicySection(Section, frozen=True):
    """What recipient domains get unless their own section says otherwise (SPEC, section 3)."""

    antispam: bool = True
    mode: Literal["quarantine", "tag", "junk", "observe"] = "quarantine"
    level: float = 7.5
    filters: dict[str, dict[str, Any]] = {}

    def __post_init__(self) -> None:
        _check_level(self.level)


class DomainSection(PlatformLists, frozen=True):
    """One recipient domain: only what differs from `[policy]`, and the entries of its own lists."""

    antispam: bool | None = None
    mode: Literal["quarantine", "tag", "junk", "observe"] | None = None
    level: float | None = None
    filters: dict[str, dict[str, Any]] = {}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.level is not None:
            _check_level(self.level)


class Settings(Section, frozen=True):
    """A whole configuration file."""

    daemon: Daemon = Daemon()
    networks: Networks = Networks()
    headers: Headers = Headers()
    log: Log = Log()
    redis: Redis = Redis()
    database: Database = Database()
    classifier: Classifier = Classifier()
    lists: PlatformLists = PlatformLists()
    policy: PolicySection = PolicySection()
    domain: dict[str, DomainSection] = {}


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a configuration file; `str()` of it is one clear line."""

    file: str
    line: int | None
    key: str
    text: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.key}: {self.text}" if self.key else f"{where}: {self.text}"


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
        text = path.read_bytes().decode("utf-8")
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
    lines = toml_lines.key_lines(text)
    problems: list[Problem] = []
    settings = _convert(data, Settings, (), file, lines, problems)
    if settings is not None:
        problems.extend(_check_policies(settings, file, lines))
    if problems or settings is None:
        raise ConfigError(sorted(problems, key=lambda problem: problem.line or 0))
    return Config(settings, file, lines)


_AT: Final = re.compile(r"(.*?)(?: - at `(?:key in )?\$(.*)`)?$", re.S)
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`$")
_MEMBER: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|(\[\.\.\.\])")


def _convert(
    data: dict[str, Any],
    kind: Any,
    prefix: toml_lines.Path,
    file: str,
    lines: dict[toml_lines.Path, int],
    problems: list[Problem],
) -> Any:
    """Convert `data`, reporting every mistake: each one found is taken out and the rest tried again."""
    result = None
    for _ in range(100):
        try:
            result = msgspec.convert(data, kind, strict=True)
            break
        except msgspec.ValidationError as error:
            path, text = _explain(str(error), data, kind)
            whole = prefix + path
            problems.append(Problem(file, toml_lines.line_of(lines, whole), _dotted(whole), text))
            if not path or not _remove(data, path):
                break
    return result


def _explain(message: str, data: dict[str, Any], kind: Any) -> tuple[toml_lines.Path, str]:
    match = _AT.match(message)
    text, where = (match.group(1), match.group(2) or "") if match else (message, "")
    path = _resolve(where, data, kind)
    unknown = _UNKNOWN.search(text)
    if unknown:
        known = _keys_at(kind, path)
        near = difflib.get_close_matches(unknown.group(1), known, 1)
        keys = f"known keys: {', '.join(sorted(known))}" if known else "there is nothing to set here"
        hint = f"; did you mean {near[0]!r}?" if near else f"; {keys}"
        return (*path, unknown.group(1)), f"unknown key{hint}"
    named, colon, rest = text.partition(": ")
    if colon and named in _keys_at(kind, path):
        return (*path, named), rest
    text = text.replace("Expected", "expected", 1).replace(" | null", "")
    if text.startswith("Invalid enum value"):
        value, allowed = _lookup(data, path), _choices(kind, path)
        near = difflib.get_close_matches(str(value), [str(choice) for choice in allowed], 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return path, f"{value!r} is not one of {', '.join(str(choice) for choice in allowed)}{hint}"
    if "matching regex" in text:
        return path, f"{_lookup(data, path)!r} is not a possible value (it must match {text.split('regex ')[1]})"
    return path, text


def _resolve(where: str, data: Any, kind: Any) -> toml_lines.Path:
    """Turn msgspec's path into keys; its ``[...]`` (some key of a mapping) is found by trying each."""
    path: list[str | int] = []
    for match in _MEMBER.finditer(where):
        name, index, some = match.groups()
        if some:
            mapping = _lookup(data, tuple(path))
            wanted = _kind_at(kind, (*path, "?"))
            for key, value in mapping.items() if isinstance(mapping, dict) else ():
                try:
                    msgspec.convert(value, wanted, strict=True)
                except msgspec.ValidationError:
                    path.append(key)
                    break
        else:
            path.append(int(index) if index is not None else name)
    return tuple(path)


def _lookup(data: Any, path: toml_lines.Path) -> Any:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _remove(data: dict[str, Any], path: toml_lines.Path) -> bool:
    parent = _lookup(data, path[:-1])
    try:
        del parent[path[-1]]
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _kind_at(kind: Any, path: toml_lines.Path) -> Any:
    for step in path:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        if get_origin(kind) is dict:
            kind = get_args(kind)[1]
        elif get_origin(kind) is tuple:
            kind = get_args(kind)[0]
        elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            kind = get_type_hints(kind, include_extras=True).get(str(step), Any)
        else:
            return Any
    return kind


def _keys_at(kind: Any, path: toml_lines.Path) -> list[str]:
    found = _kind_at(kind, path)
    is_struct = isinstance(found, type) and issubclass(found, msgspec.Struct)
    return [str(name) for name in found.__struct_fields__] if is_struct else []


def _choices(kind: Any, path: toml_lines.Path) -> list[Any]:
    found = _kind_at(kind, path)
    options: list[Any] = []
    for choice in [found, *get_args(found)]:
        if get_origin(choice) is Literal:
            options.extend(get_args(choice))
    return options


def _dotted(path: toml_lines.Path) -> str:
    out = ""
    for step in path:
        if isinstance(step, int):
            out += f"[{step}]"
        else:
            out += ("." if out else "") + (step if re.fullmatch(r"[A-Za-z0-9_-]+", step) else f'"{step}"')
    return out


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
            text = "not a domain name in lower case"
            problems.append(Problem(file, toml_lines.line_of(lines, ("domain", domain)), f'domain."{domain}"', text))
    for path, filters in sections:
        for name, values in filters.items():
            where = (*path, "filters", name)
            if name not in order.BY_NAME:
                near = difflib.get_close_matches(name, list(order.BY_NAME), 1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                line = toml_lines.line_of(lines, where)
                problems.append(Problem(file, line, _dotted(where), f"there is no filter of that name{hint}"))
                continue
            _convert(dict(values), order.BY_NAME[name].settings_type(), where, file, lines, problems)
    return problems
