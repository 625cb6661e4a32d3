"""Tokens: only ours, only for their purpose, only in time; and the secret they are signed with."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis import limits
from tamis.config import parse
from tamis.secret import read_secret, secret_path
from tamis.tokens import BadToken, Expired, Purpose, Tokens

TOKENS = Tokens(b"0" * 32)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300), st.sampled_from(Purpose))
def test_a_token_says_what_it_was_made_of(subject: str, purpose: Purpose) -> None:
    text = TOKENS.make(purpose, subject, 60, now=1000)
    assert TOKENS.read(purpose, text, now=1059).subject == subject
    with pytest.raises(Expired):
        TOKENS.read(purpose, text, now=1060)
    for other in set(Purpose) - {purpose}:
        with pytest.raises(BadToken):
            TOKENS.read(other, text, now=1000)
    with pytest.raises(BadToken):
        Tokens(b"1" * 32).read(purpose, text, now=1000)


@given(st.data())
def test_no_octet_of_it_may_change(data: st.DataObject) -> None:
    text = TOKENS.make(Purpose.RELEASE, "ann@example.org", 60)
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from("ABCabc019-_").filter(lambda one: one != text[place]))
    with pytest.raises(BadToken):
        TOKENS.read(Purpose.RELEASE, text[:place] + letter + text[place + 1 :])


@given(st.one_of(st.text(), st.text(alphabet="ABCabc-_=", max_size=100)))
def test_whatever_else_is_no_token(text: str) -> None:
    with pytest.raises(BadToken):
        TOKENS.read(Purpose.RELEASE, text)


def test_a_token_is_not_looked_at_however_long_it_is() -> None:
    with pytest.raises(BadToken):
        TOKENS.read(Purpose.RELEASE, TOKENS.make(Purpose.RELEASE, "x" * limits.TOKEN_CHARS, 60))


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    config = parse(f'[daemon]\nstate_directory = "{tmp_path}"', "x")
    first = read_secret(config)
    assert read_secret(config) == first
    assert len(first) >= 32
    assert secret_path(config).stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["web.secret"]
    os.chmod(secret_path(config), 0o640)
    with pytest.raises(PermissionError):
        read_secret(config)
    os.chmod(secret_path(config), 0o600)
    secret_path(config).write_text("short")
    with pytest.raises(OSError, match="less than 32"):
        read_secret(config)
