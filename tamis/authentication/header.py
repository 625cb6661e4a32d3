"""Authentication-Results (RFC 8601): ours written, and those found that claim to be ours."""

import re
import socket
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from tamis import limits
from tamis.addresses import normalise_domain
from tamis.authentication.authentication import Authentication
from tamis.authentication.results import Result
from tamis.mail import Mail
from tamis.message import Message
from tamis.mime import unfold

DEFAULT_NAME: Final = "Authentication-Results"
_BARE: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~@/-]+")
_VALUE_CHARS: Final = 253
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.S)
_TOKEN: Final = re.compile(r'[^\s;()"=/]+')
_VERSION: Final = re.compile("[0-9]+")


def written(authentication: Authentication, mail: Mail, authserv_id: str) -> str:
    """Return the value of our field, folded with ``\\n\\t``."""
    results = [*_spf(authentication), *_dkim(authentication), *_dmarc(authentication), *_arc(authentication)]
    return ";\n\t".join([authserv_id, *results, *_iprev(authentication, mail)])


def summary(said: Authentication) -> list[str]:
    """Return each result in a few words, for people: the log, and `tamis scan`. It may quote the wire."""
    spf = [f"spf={said.spf.result}:{said.spf.domain}"] if said.spf is not None else []
    signatures = [f"dkim={one.result}" + (f":{one.domain}" if one.domain else "") for one in said.dkim]
    policy = f":{said.dmarc.policy}" if said.dmarc.policy else ""
    sealer = f":{said.arc.sealers[-1]}" if said.arc.sealers else ""
    dmarc, arc = f"dmarc={said.dmarc.result}{policy}", f"arc={said.arc.result}{sealer}"
    return [*spf, *(signatures or ["dkim=none"]), dmarc, arc, f"iprev={said.iprev.result}"]


@lru_cache(maxsize=16)
def authserv_id(configured: str, mta: str) -> str:
    """Return the name that our results stand under: the configured one, else the MTA's, else this machine's."""
    name = configured or mta or socket.gethostname()
    return name if _BARE.fullmatch(name) else "localhost"


def _spf(said: Authentication) -> Iterator[str]:
    if said.spf is not None:
        kind = "helo" if getattr(said.spf, "identity", "") == "helo" else "mailfrom"
        yield _result("spf", said.spf.result, "", **{f"smtp.{kind}": said.spf.domain})


def _dkim(said: Authentication) -> Iterator[str]:
    for one in said.dkim:
        about = {"header.d": one.domain, "header.s": one.selector, "header.a": one.algorithm}
        yield _result("dkim", one.result, one.reason, **about)
    if not said.dkim:
        yield "dkim=none"


def _dmarc(said: Authentication) -> Iterator[str]:
    found = said.dmarc
    comment = f" (p={found.policy})" if found.policy else ""
    yield _result("dmarc", found.result + comment, found.reason, **{"header.from": found.domain})


def _arc(said: Authentication) -> Iterator[str]:
    # Registered are none, pass and fail: what is not known now is none of the other two.
    result = said.arc.result if said.arc.result in (Result.PASS, Result.FAIL) else Result.NONE
    comment = f" (i={len(said.arc.sealers)})" if said.arc.sealers else ""
    yield _result("arc", result + comment, said.arc.reason)


def _iprev(said: Authentication, mail: Mail) -> Iterator[str]:
    if mail.peer is not None:
        yield _result("iprev", said.iprev.result, said.iprev.reason, **{"policy.iprev": str(mail.peer)})


def _result(method: str, result: str, reason: str, **properties: str) -> str:
    pieces = [f"{method}={result}"]
    if reason:
        pieces.append(f"reason={_quoted(reason)}")
    pieces += [f"{name}={_value(value)}" for name, value in properties.items() if value]
    text, line = "", ""
    for piece in pieces:
        if line and len(line) + len(piece) > limits.WRITTEN_LINE_CHARS:
            text, line = f"{text}{line}\n\t ", ""
        line += (" " if line else "") + piece
    return text + line


def _value(text: str) -> str:
    text = text[:_VALUE_CHARS]
    return text if _BARE.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    """Return a text of strangers as a quoted string of printable ASCII."""
    clean = text[:_VALUE_CHARS]
    if not (clean.isascii() and clean.isprintable()):
        clean = "".join(letter if " " <= letter <= "~" else "?" for letter in clean)
    return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'


def claimed(message: Message, name: str, ours: str) -> list[int]:
    """Return the numbers, from 1 at the top, of the fields of a name that claim to be ours (RFC 8601, section 5)."""
    return [number for number, field in enumerate(message.fields(name), 1) if claims(field.value, ours)]


def claims(value: bytes, ours: str) -> bool:
    """Whether a value stands under our name, whatever is written around it.

    What cannot be read for certain claims it where the name is anywhere in it: others may read it as ours.
    """
    text = unfold(value)[: limits.HEADER_VALUE_CHARS].decode("utf-8", "replace")
    ours = normalise_domain(ours)
    at = _behind_space(text, 0)
    quoted = _QUOTED.match(text, at)
    token = quoted or _TOKEN.match(text, at)
    if token is None:
        return ours in text.lower()
    said = re.sub(r"\\(.)", r"\1", quoted[1], flags=re.S) if quoted else token[0]
    if normalise_domain(said) == ours:
        return True
    # After the name comes space, a version or a semicolon, or nothing; else it is no name.
    end = _behind_space(text, token.end())
    version = _VERSION.match(text, end)
    if version and end > token.end():
        end = _behind_space(text, version.end())
    return text[end : end + 1] not in ("", ";") and ours in text.lower()


def _behind_space(text: str, at: int) -> int:
    """Return where white space and comments, which may be nested, end."""
    depth = 0
    while at < len(text):
        letter = text[at]
        if depth and letter == "\\":
            at += 1
        elif letter == "(":
            depth += 1
        elif depth and letter == ")":
            depth -= 1
        elif not depth and not (letter.isspace() or letter < " "):
            break
        at += 1
    return at
