"""The ESMTP parameters of a message that go with its copies: those of DSN (RFC 3461), 8BITMIME and SMTPUTF8."""

import re
from collections.abc import Iterable
from typing import Final

_OF_MAIL: Final = ("RET=", "ENVID=", "BODY=", "SMTPUTF8")
_OF_RCPT: Final = ("NOTIFY=", "ORCPT=")
_XTEXT: Final = re.compile(r"[^!-*,-<>-~]")
_ENCODED: Final = re.compile(r"\+([0-9A-F]{2})")


def of_mail(words: Iterable[str]) -> str:
    """Return the parameters of MAIL that go with a copy: the others concern one connection (SIZE=, AUTH=)."""
    return _kept(words, _OF_MAIL)


def envelope_id(words: Iterable[str]) -> str:
    """Return the ENVID among the parameters of MAIL, decoded; empty where there is none."""
    found = next((word[6:] for word in words if word.upper().startswith("ENVID=")), "")
    return _ENCODED.sub(lambda octet: chr(int(octet[1], 16)), found)


def of_rcpt(words: Iterable[str]) -> str:
    """Return the parameters of a RCPT that go with its copy."""
    return _kept(words, _OF_RCPT)


def _kept(words: Iterable[str], wanted: tuple[str, ...]) -> str:
    return " ".join(word for word in words if word.upper().startswith(wanted))


def of_leg(parameters: str, recipient: str) -> str:
    """Return the parameters for an address that a recipient stands for: a report on it names the recipient.

    RFC 3461, section 5.2.7: who wrote to the recipient knows of no other address.
    """
    if "ORCPT=" in parameters.upper() or not recipient.isascii():
        return parameters
    xtext = _XTEXT.sub(lambda found: f"+{ord(found[0]):02X}", recipient)
    return f"{parameters} ORCPT=rfc822;{xtext}".lstrip()


def without_success(parameters: str) -> str:
    """Return parameters that ask for no notice of success: somebody else gives it (RFC 3461, section 5.2.7.3)."""
    return " ".join(map(_without_success, parameters.split()))


def _without_success(word: str) -> str:
    name, _, value = word.partition("=")
    if name.upper() != "NOTIFY":
        return word
    wishes = [wish for wish in value.split(",") if wish.upper() != "SUCCESS"]
    return f"{name}={','.join(wishes) or 'NEVER'}"
