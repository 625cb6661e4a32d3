"""Proof of being a person, without anybody else's help: work for the browser (ALTCHA), and beside it a code.

Either will do. The browser's work needs JavaScript and no attention; the code needs neither JavaScript nor more than
eyes. Each proof counts once, on whatever machine. Programs can do both, at a price for each message: the notices go to
proven senders only, which is what keeps spammers out.
"""

import base64
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import altcha
from captcha.image import ImageCaptcha

from tamis.quarantine.spent import spend
from tamis.tokens import BadToken, Purpose
from tamis.web.forms import Form
from tamis.web.house import House

_SECONDS: Final = 1800
"""How long a challenge may be looked at."""
_ALGORITHM: Final = "PBKDF2/SHA-256"
_ROUNDS: Final = 5000
_PREFIX: Final = "00"
"""256 tries on average of 5,000 rounds each: a second or so of a telephone."""
_LETTERS: Final = "ACDEFHJKLMNPRTUVWXY34679"
_LENGTH: Final = 5


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a page shows: work as JSON, and the token of an image's code."""

    work: str
    code: str


def new_challenge(house: House) -> Challenge:
    """Return a challenge for a page."""
    expires = datetime.now(UTC) + timedelta(seconds=_SECONDS)
    work = altcha.create_challenge(
        _ALGORITHM, _ROUNDS, key_prefix=_PREFIX, expires_at=expires, hmac_secret=_secret(house)
    )
    return Challenge(json.dumps(work.to_dict()), house.tokens.make(Purpose.CODE, secrets.token_hex(16), _SECONDS))


def passed(house: House, form: Form) -> bool:
    """Whether a form proves that a person sent it; the proof, or what was to be one, counts no more afterwards."""
    key = house.config.settings.web.challenge_test_key
    code = form.one("code").strip()
    if key and hmac.compare_digest(code.encode(), key.encode()):
        return True
    nonce = _worked(house, form.one("altcha"))
    if nonce:
        return _spend(house, nonce)
    # A code may be guessed once, whether right or wrong.
    return bool(code) and _read(house, form.one("code_token"), code)


def image(house: House, token: str) -> bytes:
    """Return the image of a code as PNG. Raises `BadToken`."""
    nonce = house.tokens.read(Purpose.CODE, token).subject
    return ImageCaptcha(width=220, height=80).generate(_code(house, nonce)).getvalue()


def _worked(house: House, payload: str) -> str:
    """Return the name of work that has been done, empty where it has not."""
    try:
        if not payload or not altcha.verify_solution(payload, _secret(house)).verified:
            return ""
        nonce = json.loads(base64.b64decode(payload))["challenge"]["parameters"]["nonce"]
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        # Of what was signed here none of this is true; but it is a stranger's.
        return ""
    return nonce if isinstance(nonce, str) else ""


def _read(house: House, token: str, said: str) -> bool:
    try:
        nonce = house.tokens.read(Purpose.CODE, token).subject
    except BadToken:
        return False
    right = hmac.compare_digest(said.upper().encode(), _code(house, nonce).encode())
    return _spend(house, nonce) and right


def _spend(house: House, nonce: str) -> bool:
    expires = datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=2 * _SECONDS)
    with house.store.transaction() as connection:
        return spend(connection, nonce[:64], expires)


def _code(house: House, nonce: str) -> str:
    """The letters that belong to a nonce; nobody else can work them out."""
    mac = house.tokens.mac(Purpose.CODE, f"letters {nonce}".encode())
    return "".join(_LETTERS[octet % len(_LETTERS)] for octet in mac[:_LENGTH])


def _secret(house: House) -> bytes:
    return house.tokens.mac(Purpose.CODE, b"work")
