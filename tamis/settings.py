"""Every key of the configuration file, with its type, its default and what it cannot be.

This is the reference; `docs/configuration.md` is held to it by a test, and `tamis.config` reads files into it.
"""

import ipaddress
import os
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import msgspec

from tamis import limits
from tamis.dns import Question
from tamis.dns.servers import parse_server
from tamis.dns_lists import DnsList, Kind, parse_codes
from tamis.lists import CONFIGURED, BadEntry, normalise_value, recipient_domain
from tamis.mail import parse_ip
from tamis.postmap import is_table
from tamis.scanners.endpoint import parse_endpoint
from tamis.sender_weights import HALF_LIFE_DAYS

LEVELS: Final = (3.0, 4.5, 6.0, 7.5, 9.0, 10.5, 12.0)
"""The seven levels; a lower one is more aggressive (SPEC, section 2)."""


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the configuration file."""


def _impossible(key: str, text: str) -> ValueError:
    """An impossible value of one key of a section; `tamis.mistakes` takes the key out of the text again."""
    return ValueError(f"{key}: {text}")


def _check_level(level: float) -> None:
    if level not in LEVELS:
        known = ", ".join(f"{known:g}" for known in LEVELS)
        raise _impossible("level", f"{level:g} is not one of the seven levels {known}")


def _check_domain(key: str, value: str) -> None:
    try:
        normalised = recipient_domain(value)
    except BadEntry as error:
        raise _impossible(key, str(error)) from None
    if normalised != value:
        raise _impossible(key, f"{value!r} is not a domain name in lower case; write {normalised!r}")


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


ListenerName = Annotated[str, msgspec.Meta(pattern="^[!-~]{1,255}$")]


class Networks(Section, frozen=True):
    """Whose connections are not strangers' (SPEC, section 0), the listeners that only strangers use (row 13), and who
    forwards mail here (row 5)."""

    own: tuple[str, ...] = ()
    own_names: tuple[str, ...] = ()
    trusted_relays: tuple[str, ...] = ()
    decoys: tuple[ListenerName, ...] = ()
    forwarders: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _networks("own", self.own)
        _networks("trusted_relays", self.trusted_relays)
        _networks("forwarders", self.forwarders)
        for value in self.own_names:
            _check_domain("own_names", value.removeprefix("."))


ListName = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{1,40}$")]

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


_NO_NAMES: Final = ("authserv_id", "spamassassin_spelling")


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
    authentication_results: HeaderName = "Authentication-Results"
    authserv_id: Annotated[str, msgspec.Meta(pattern=r"^(|[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?)$")] = ""
    spamassassin_spelling: bool = False

    def __post_init__(self) -> None:
        seen: dict[str, str] = {}
        for key, name in self.names().items():
            shared = key == "authentication_results" and name.lower() == "authentication-results"
            if name.lower() in _NOT_OURS and not shared:
                raise _impossible(key, f"{name!r} is a field of the message itself, whose copies would be removed")
            if name.lower() in seen:
                raise _impossible(key, f"{name!r} is already the name of {seen[name.lower()]}")
            seen[name.lower()] = key

    def names(self) -> dict[str, str]:
        """Map each key that names a header to the name it writes, the switched-off ones left out."""
        found = msgspec.structs.asdict(self)
        return {key: value for key, value in found.items() if key not in _NO_NAMES and value}


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


class Dns(Section, frozen=True):
    """Whom the DNS is asked of. Without servers, those of the system (/etc/resolv.conf)."""

    servers: tuple[str, ...] = ()
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=3)] = 1.0
    attempts: Annotated[int, msgspec.Meta(ge=1, le=5)] = 3

    def __post_init__(self) -> None:
        for value in self.servers:
            if parse_server(value) is None:
                raise _impossible(
                    "servers", f"{value!r} is not a DNS server: write 127.0.0.1, ::1, 192.0.2.1:5353 or [::1]:53"
                )


class Bans(Section, frozen=True):
    """Peers that row 2 refuses by itself: who writes to traps in bulk, or brings malware again and again."""

    automatic: bool = True
    trap_messages: Annotated[int, msgspec.Meta(ge=1, le=limits.COUNTED_MEMBERS)] = 5
    trap_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    malware_messages: Annotated[int, msgspec.Meta(ge=1, le=limits.COUNTED_MEMBERS)] = 3
    window_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 60
    ham_messages: Annotated[int, msgspec.Meta(ge=0, le=1000000)] = 20
    ham_days: Annotated[int, msgspec.Meta(ge=1, le=30)] = 7
    first_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 15
    longest_hours: Annotated[int, msgspec.Meta(ge=1, le=720)] = 24


class AutoWhitelist(Section, frozen=True):
    """How long what is learned of senders counts (row 7), and when outgoing mail counts as delivered."""

    half_life_days: Annotated[float, msgspec.Meta(gt=0, le=3650)] = HALF_LIFE_DAYS
    wait_minutes: Annotated[float, msgspec.Meta(gt=0, le=10080)] = 60.0
    remember_days: Annotated[int, msgspec.Meta(ge=1, le=60)] = 10


class DnsListSection(Section, frozen=True):
    """One DNS list that rows 16 (addresses, domains) or 23 (URLs) ask (RFC 5782)."""

    zone: str
    kind: Kind
    codes: tuple[str, ...] = ()
    enabled: bool = True
    ipv6: bool = True
    addresses: bool = False
    test_listed: str = ""
    test_clean: str = ""
    note: str = ""
    terms: str = ""

    def __post_init__(self) -> None:
        _check_domain("zone", self.zone)
        try:
            parse_codes(self.codes)
        except ValueError as error:
            raise _impossible("codes", str(error)) from None
        for key in ("test_listed", "test_clean"):
            value = getattr(self, key)
            if value and Question(f"{value}.{self.zone}").wire is None:
                raise _impossible(key, f"{value!r} is neither an address nor a domain")


def enabled_lists(sections: Mapping[str, DnsListSection]) -> list[DnsList]:
    """Return the lists that are enabled, in their order."""
    return [
        DnsList(
            name,
            one.zone,
            one.kind,
            parse_codes(one.codes),
            one.ipv6,
            one.addresses,
            one.test_listed,
            one.test_clean,
        )
        for name, one in sections.items()
        if one.enabled
    ]


def _endpoints(values: tuple[str, ...]) -> None:
    for value in values:
        if parse_endpoint(value) is None:
            raise _impossible(
                "endpoints", f"{value!r} is not a scanner: write unix:/run/clamav/clamd.ctl or inet:3310@127.0.0.1"
            )


class AntivirusSection(Section, frozen=True):
    """How the scanners of rows 1 and 24 are dealt with, and what happens while none answers."""

    cache_seconds: Annotated[int, msgspec.Meta(ge=0, le=3600)] = 60
    defer_minutes: Annotated[int, msgspec.Meta(ge=0, le=1440)] = 10
    rescan_megabytes: Annotated[int, msgspec.Meta(ge=0, le=1048576)] = 1024
    rescan_days: Annotated[int, msgspec.Meta(ge=1, le=30)] = 5


class ClamdSection(Section, frozen=True):
    """One set of signatures that row 1 (stage 1) or row 24 (stage 2) asks; any of its endpoints will do."""

    endpoints: tuple[str, ...]
    stage: Literal[1, 2] = 1
    max_bytes: Annotated[int, msgspec.Meta(ge=1, le=4294967295)] = 26214400

    def __post_init__(self) -> None:
        if not self.endpoints:
            raise _impossible("endpoints", "at least one is needed")
        _endpoints(self.endpoints)


class SpamdSection(Section, frozen=True):
    """The spamd that row 28 asks; any of its endpoints will do. Without endpoints the row is never asked."""

    endpoints: tuple[str, ...] = ()
    max_bytes: Annotated[int, msgspec.Meta(ge=1, le=limits.MESSAGE_BYTES)] = 512000
    by_recipient: bool = True

    def __post_init__(self) -> None:
        _endpoints(self.endpoints)


class Database(Section, frozen=True):
    """Lists kept by command. Without a url, SQLite in the state directory."""

    url: str = ""

    def __post_init__(self) -> None:
        if self.url:
            from tamis.database import BadDatabaseUrl, name_of

            try:
                name_of(self.url)
            except BadDatabaseUrl as error:
                raise _impossible("url", str(error)) from None


class Aliases(Section, frozen=True):
    """Where the mail of a recipient really goes, by Postfix's own tables (SPEC, row 34)."""

    maps: tuple[str, ...] = ()
    local_domains: tuple[str, ...] = ()
    system_domains: tuple[str, ...] = ()
    recipient_delimiter: Annotated[str, msgspec.Meta(pattern=r"^[!-?A-~]{0,8}$")] = "+"
    postmap: Annotated[str, msgspec.Meta(min_length=1)] = "postmap"

    def __post_init__(self) -> None:
        for value in self.maps:
            if not is_table(value):
                raise _impossible("maps", f"{value!r} is not a table of Postfix: write hash:/etc/postfix/virtual")
        for key in ("local_domains", "system_domains"):
            for value in getattr(self, key):
                if not (key == "local_domains" and is_table(value)):
                    _check_domain(key, value)


class DirectorySection(Section, frozen=True):
    """Where the domains and users of this mail server are kept: SQL that is read, tables of Postfix that are asked."""

    url: str = ""
    domains_query: str = ""
    users_query: str = ""
    seconds: Annotated[float, msgspec.Meta(ge=1, le=3600)] = 3.0
    policy_maps: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.url and not (self.domains_query or self.users_query):
            raise _impossible("url", "a domains_query or a users_query is needed beside it")
        if (self.domains_query or self.users_query) and not self.url:
            raise _impossible("domains_query" if self.domains_query else "users_query", "a url is needed beside it")
        for value in self.policy_maps:
            if not is_table(value):
                raise _impossible("policy_maps", f"{value!r} is not a table of Postfix: write hash:/etc/tamis/policies")


class Mailboxes(Section, frozen=True):
    """The upkeep of mailboxes by Dovecot's doveadm: the command, the folder of spam, and who writes about quotas."""

    doveadm: tuple[Annotated[str, msgspec.Meta(min_length=1)], ...] = ("doveadm",)
    junk: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] = "Junk"
    quota_from: Annotated[str, msgspec.Meta(pattern=r"^(|[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,253})$")] = ""

    def __post_init__(self) -> None:
        if not self.doveadm:
            raise _impossible("doveadm", "the command is needed")


class Classifier(Section, frozen=True):
    """The naive-Bayes model. Without a path, the site's own in the state directory, else the shipped one."""

    model: str = ""


class Learning(Section, frozen=True):
    """What is learned of messages all the time: by people, traps and releases."""

    reports: str = ""
    half_life_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 180
    reporter_day: Annotated[float, msgspec.Meta(gt=0, le=1_000_000)] = 20.0
    reporter_total: Annotated[float, msgspec.Meta(gt=0, le=1_000_000)] = 50.0
    recipients_teach: Literal["platform", "domain"] = "platform"
    itself: bool = False

    def __post_init__(self) -> None:
        if self.reports and not self.reports.startswith("/"):
            raise _impossible("reports", f"{self.reports!r} must be an absolute path")


class RulesSection(Section, frozen=True):
    """Rules of rows 18 to 21: the shipped ones, and rule files of the site, or folders of them."""

    shipped: bool = True
    files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for value in self.files:
            if not value.startswith("/"):
                raise _impossible("files", f"{value!r} must be an absolute path")


class Attachments(Section, frozen=True):
    """Statistics of files (row 26). They are forgotten when a file has not been seen for so many days."""

    days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 90


class Images(Section, frozen=True):
    """The readers of images (row 21)."""

    readers: Annotated[int, msgspec.Meta(ge=0, le=64)] = 0
    tesseract: Annotated[str, msgspec.Meta(min_length=1)] = "tesseract"
    languages: tuple[Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z0-9_/-]{0,30}$")], ...] = ("eng", "fra")

    def __post_init__(self) -> None:
        if not self.languages:
            raise _impossible("languages", "at least one language is needed")

    @property
    def count(self) -> int:
        """How many readers there are to be."""
        return self.readers or max(2, os.cpu_count() or 1)


class Quarantine(Section, frozen=True):
    """Held mail. Without a spool folder, `spool` in the state directory; machines that share a database share it."""

    spool: str = ""
    days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 30
    history_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 90

    def __post_init__(self) -> None:
        if self.spool and not self.spool.startswith("/"):
            raise _impossible("spool", "must be an absolute path")


class History(Section, frozen=True):
    """The history of decisions. So many days and decisions at most; `journal_megabytes` while the database is away."""

    days: Annotated[int, msgspec.Meta(ge=0, le=3650)] = 14
    decisions: Annotated[int, msgspec.Meta(ge=1000, le=1_000_000_000)] = 5_000_000
    journal_megabytes: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 256


class Metrics(Section, frozen=True):
    """Where metrics, health and readiness are told over HTTP; nowhere where it is empty."""

    listen: str = ""

    def __post_init__(self) -> None:
        if self.listen:
            _server("listen", self.listen)


def _server(key: str, value: str) -> None:
    host, _, port = value.rpartition(":")
    if parse_ip(host.strip("[]")) is None or not (port.isdigit() and port.isascii() and 0 < int(port) < 65536):
        raise _impossible(key, f"{value!r} is not an address and port: write 127.0.0.1:10099")


class Delivery(Section, frozen=True):
    """The MTA's listeners for mail of Tamis's own: releases, and copies made anew. They ask no milter."""

    server: str = "127.0.0.1:10099"
    mailbox_server: str = "127.0.0.1:10098"
    timeout_seconds: Annotated[float, msgspec.Meta(gt=0, le=600)] = 60.0

    def __post_init__(self) -> None:
        _server("server", self.server)
        _server("mailbox_server", self.mailbox_server)


def _listener(value: str) -> None:
    if re.fullmatch(r"unix:/.{1,106}", value) is None:
        try:
            _server("listen", value)
        except ValueError:
            text = f"{value!r} is not a socket: write 127.0.0.1:8890 or unix:/run/tamis/web.sock"
            raise _impossible("listen", text) from None


class Web(Section, frozen=True):
    """`tamis web`: where the pages are, for people and for the reverse proxy in front of them."""

    base_url: Annotated[str, msgspec.Meta(pattern=r"^(|https?://[A-Za-z0-9.:\[\]-]{1,255}(/[A-Za-z0-9_~-]+)*)$")] = ""
    listen: str = "127.0.0.1:8890"
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    proxy_header: Annotated[str, msgspec.Meta(pattern=r"^(|[A-Za-z][A-Za-z0-9-]{0,75})$")] = "X-Forwarded-For"
    secret_file: str = ""
    language: Literal["en", "fr"] = "en"
    login: Annotated[
        str, msgspec.Meta(pattern=r"^(|imaps?://([A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?)$")
    ] = ""
    challenge_test_key: Annotated[str, msgspec.Meta(pattern="^(|[A-Za-z0-9_-]{16,64})$")] = ""

    def __post_init__(self) -> None:
        _listener(self.listen)
        _networks("proxies", self.proxies)
        if self.secret_file and not self.secret_file.startswith("/"):
            raise _impossible("secret_file", "must be an absolute path")


class Notices(Section, frozen=True):
    """Mail of Tamis's own about held mail: to its senders, and to its recipients."""

    enabled: bool = True
    from_address: Annotated[str, msgspec.Meta(pattern=r"^(|[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,253})$")] = ""
    from_name: Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]{0,100}$")] = ""
    most_a_day: Annotated[int, msgspec.Meta(ge=0, le=1000000)] = 1000
    digest_hour: Annotated[int, msgspec.Meta(ge=0, le=23)] = 7
    templates: str = ""

    def __post_init__(self) -> None:
        if self.templates and not self.templates.startswith("/"):
            raise _impossible("templates", "must be an absolute path")


class PlatformLists(Section, frozen=True):
    """Entries that hold for every recipient; those of a domain stand in its own section."""

    whitelist_ip: tuple[str, ...] = ()
    whitelist_sender: tuple[str, ...] = ()
    blacklist_ip: tuple[str, ...] = ()
    blacklist_sender: tuple[str, ...] = ()
    ban_ip: tuple[str, ...] = ()
    trap: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in CONFIGURED:
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
    tag: bool = False
    tag_redirections: bool = False
    tell_sender: bool = True
    tell_own_domain: bool = True
    whitelist_validated: bool = True
    digest: Literal["daily", "weekly", "off"] = "daily"
    language: Literal["en", "fr"] = "en"
    junk_days: Annotated[int, msgspec.Meta(ge=0, le=3650)] = 0
    quota_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    filters: dict[str, dict[str, Any]] = {}

    def __post_init__(self) -> None:
        _check_level(self.level)


class DomainSection(PlatformLists, frozen=True):
    """One recipient domain: only what differs from `[policy]`, and the entries of its own lists."""

    antispam: bool | None = None
    mode: Literal["quarantine", "tag", "junk", "observe"] | None = None
    level: float | None = None
    tag: bool | None = None
    tag_redirections: bool | None = None
    tell_sender: bool | None = None
    tell_own_domain: bool | None = None
    whitelist_validated: bool | None = None
    digest: Literal["daily", "weekly", "off"] | None = None
    language: Literal["en", "fr"] | None = None
    junk_days: Annotated[int, msgspec.Meta(ge=0, le=3650)] | None = None
    quota_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
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
    dns: Dns = Dns()
    dnslists: Annotated[dict[ListName, DnsListSection], msgspec.Meta(max_length=40)] = {}
    bans: Bans = Bans()
    antivirus: AntivirusSection = AntivirusSection()
    clamd: Annotated[dict[ListName, ClamdSection], msgspec.Meta(max_length=10)] = {}
    spamd: SpamdSection = SpamdSection()
    autowhitelist: AutoWhitelist = AutoWhitelist()
    database: Database = Database()
    aliases: Aliases = Aliases()
    directory: DirectorySection = DirectorySection()
    mailboxes: Mailboxes = Mailboxes()
    classifier: Classifier = Classifier()
    learning: Learning = Learning()
    rules: RulesSection = RulesSection()
    attachments: Attachments = Attachments()
    images: Images = Images()
    quarantine: Quarantine = Quarantine()
    history: History = History()
    metrics: Metrics = Metrics()
    delivery: Delivery = Delivery()
    web: Web = Web()
    notices: Notices = Notices()
    lists: PlatformLists = PlatformLists()
    policy: PolicySection = PolicySection()
    domain: dict[str, DomainSection] = {}
