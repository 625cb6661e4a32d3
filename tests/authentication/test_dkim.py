"""DKIM: what dkimpy signs is verified, and nothing that was changed, or is not acceptable, passes."""

import base64
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tamis import limits
from tamis.authentication import Dkim, Result
from tamis.testing import mail
from tests.authentication.signing import BODY, HEADER, Key, ed25519_key, rsa_key, said, signed, zone

FORMS = ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"]


def only(message: bytes, dns: dict[str, object] | None = None, **envelope: object) -> Dkim:
    (one,) = said(message, dns, **envelope).dkim  # type: ignore[arg-type]
    return one


def outcome(message: bytes, dns: dict[str, object] | None = None, **envelope: object) -> tuple[str, str]:
    one = only(message, dns, **envelope)
    return one.result, one.reason


@pytest.mark.parametrize("forms", FORMS)
@pytest.mark.parametrize("key", [rsa_key, ed25519_key])
@pytest.mark.parametrize("body", [BODY, b"", b"\r\n\r\n", b"no line end", b" \t \r\n", "Déjà vu\r\n".encode()])
def test_passes(forms: str, key: object, body: bytes) -> None:
    made: Key = key()  # type: ignore[operator]
    one = only(signed(HEADER + b"\r\n" + body, made, forms=forms), zone(made))
    assert one == Dkim(Result.PASS, "example.net", "sel", made.algorithm.decode())


def test_a_message_without_a_signature_has_none() -> None:
    assert said(HEADER + b"\r\n" + BODY).dkim == ()


@pytest.mark.parametrize("forms", FORMS)
@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"Hello", b"Hallo", "the body was changed"),
        (b"Subject:  two", b"Subject:  one", "the signature does not match"),
        (b"From: Ann", b"From: Eve", "the signature does not match"),
        (b"Message-ID:", b"List-Id: <x.example>\r\nMessage-ID:", "the signature does not match"),
        (b"t=", b"t=1", "the signature is of the future"),
    ],
)
def test_what_was_changed_fails(forms: str, old: bytes, new: bytes, reason: str) -> None:
    message = signed(forms=forms)
    assert old in message
    assert outcome(message.replace(old, new, 1)) == ("fail", reason)


def test_relaxed_forms_bear_what_relays_do_and_simple_ones_do_not() -> None:
    def relayed(forms: str) -> bytes:
        message = signed(forms=forms).replace(b"Subject:  two  spaces ", b"subject: two\r\n spaces")
        return message.replace(b"and\tspaces \r\n", b"and spaces\r\n")

    assert outcome(relayed("relaxed/relaxed"))[0] == "pass"
    assert outcome(relayed("relaxed/simple")) == ("fail", "the body was changed")
    assert outcome(relayed("simple/relaxed")) == ("fail", "the signature does not match")


def test_fields_that_are_not_signed_may_be_added() -> None:
    assert outcome(b"Received: from x\r\nX-Spam: no\r\n" + signed(forms="simple/simple"))[0] == "pass"


def expiring(seconds: int, **more: object) -> bytes:
    """A message whose signature ends some seconds from now: dkimpy does not sign x=, so it is put in before."""
    import dkim

    class Signing(dkim.DKIM):  # type: ignore[misc]
        def gen_header(self, fields, *args, **kwargs):  # type: ignore[no-untyped-def]
            return super().gen_header(
                [*fields[:-1], (b"x", b"%d" % (time.time() + seconds)), fields[-1]], *args, **kwargs
            )

    message = HEADER + b"\r\n" + BODY
    return bytes(Signing(message).sign(b"sel", b"example.net", rsa_key().private, include_headers=[b"from"])) + message


def test_a_signature_ends() -> None:
    assert outcome(expiring(3600))[0] == "pass"
    assert outcome(expiring(-3600)) == ("fail", "the signature has expired")
    later = datetime.now(UTC) + timedelta(hours=2)
    assert outcome(expiring(3600), now=later) == ("fail", "the signature has expired")


@pytest.mark.parametrize(
    ("record", "result", "reason"),
    [
        ([], "permerror", "there is no key"),
        ("SERVFAIL", "temperror", "the DNS does not answer for the key: servfail"),
        ("TIMEOUT", "temperror", "the DNS does not answer for the key: timeout"),
        (["v=DKIM1; p="], "permerror", "the key was revoked"),
        (["v=DKIM2; p=abcd"], "permerror", "the key record cannot be read"),
        (["v=DKIM1; p=abcd; p=abcd"], "permerror", "the key record cannot be read"),
        (["v=DKIM1; p=!!"], "permerror", "the key record cannot be read"),
        (["v=DKIM1"], "permerror", "the key record cannot be read"),
        (["v=spf1 -all"], "permerror", "the key record cannot be read"),
        (["v=DKIM1; p=abcd"], "permerror", "the key cannot be read"),
        (["v=DKIM1; p=" + "A" * 5000], "permerror", "the key record cannot be read"),
        (["v=DKIM1; k=ed25519; p=abcd"], "permerror", "the key is of another kind than the signature"),
        ([rsa_key().record + "; h=sha1"], "permerror", "the key is not for SHA-256"),
        ([rsa_key().record + "; s=tlsrpt"], "permerror", "the key is not for mail"),
        ([rsa_key().record + "; h=sha1:sha256; s=*; t=y:s; n=a note"], "pass", ""),
        ([rsa_key().record.removeprefix("v=DKIM1; k=rsa; ")], "pass", ""),
    ],
)
def test_the_record_of_the_key(record: object, result: str, reason: str) -> None:
    assert outcome(signed(), {"sel._domainkey.example.net TXT": record} if record else {}) == (result, reason)


def test_another_key_fails_and_a_domain_that_is_testing_is_not_blamed() -> None:
    other = rsa_key(3072).record
    assert outcome(signed(), {"sel._domainkey.example.net TXT": [other]})[0] == "fail"
    assert outcome(signed(), {"sel._domainkey.example.net TXT": [other + "; t=y"]})[0] == "neutral"


def record_of(bits: int, exponent: int = 65537) -> str:
    numbers = rsa.RSAPublicNumbers(exponent, (1 << (bits - 1)) + 1)
    octets = numbers.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"p={base64.b64encode(octets).decode()}"


@pytest.mark.parametrize("bits", [1023, 4097, 8192])
def test_keys_have_bounds(bits: int) -> None:
    assert outcome(signed(), {"sel._domainkey.example.net TXT": [record_of(bits)]}) == (
        "policy",
        f"the key has {bits} bits",
    )


def test_exponents_have_a_bound() -> None:
    record = record_of(2048, (1 << 2000) + 1)
    assert outcome(signed(), {"sel._domainkey.example.net TXT": [record]}) == (
        "policy",
        "the exponent of the key is too large",
    )


def test_a_body_that_is_signed_in_part_is_not_accepted() -> None:
    message = signed(length=True)
    assert outcome(message)[0] == "pass"
    assert outcome(message + b"and more\r\n") == ("policy", "l= leaves a part of the body unsigned")


@pytest.mark.parametrize(
    ("old", "new", "result"),
    [
        (b"v=1", b"v=2", "neutral"),
        (b"v=1;", b"", "neutral"),
        (b"d=example.net", b"d=", "neutral"),
        (b"s=sel", b"s=", "neutral"),
        (b"a=rsa-sha256", b"a=rsa-md5", "neutral"),
        (b"a=rsa-sha256", b"a=rsa-sha1", "policy"),
        (b"c=relaxed/relaxed", b"c=loose", "neutral"),
        (b"i=@example.net", b"i=@example.org", "permerror"),
        (b"i=@example.net", b"i=@badexample.net", "permerror"),
        (b"q=dns/txt", b"q=http", "neutral"),
        (b"h=from", b"h=x-from", "permerror"),
        (b"h=from", b"h=from;h=from", "neutral"),
        (b"t=", b"t=x", "neutral"),
        (b"bh=", b"bh=!", "neutral"),
        (b"v=1;", b"v=1; nonsense;", "neutral"),
        (b"s=sel", b"s=..", "permerror"),
        (b"v=1;", b"v=1; z=" + b"a" * 20_000 + b";", "neutral"),
    ],
)
def test_what_cannot_be_read_is_not_taken_for_a_pass(old: bytes, new: bytes, result: str) -> None:
    message = signed()
    assert old in message, message
    assert outcome(message.replace(old, new, 1))[0] == result


def test_a_key_for_the_domain_itself() -> None:
    strict = {"sel._domainkey.example.net TXT": [rsa_key().record + "; t=s"]}
    assert outcome(signed(identity=b"ann@example.net"), strict)[0] == "pass"
    below = signed(identity=b"ann@mail.example.net")
    assert outcome(below)[0] == "pass"
    assert outcome(below, strict) == ("permerror", "the key is not for subdomains")


def test_several_signatures_are_told_apart_and_bounded() -> None:
    message = signed(signed(domain="list.example", key=ed25519_key()), domain="example.net")
    both = {**zone(), **zone(ed25519_key(), "list.example")}
    assert [(one.result, one.domain) for one in said(message, both).dkim] == [
        ("pass", "example.net"),
        ("pass", "list.example"),
    ]
    many = b"DKIM-Signature: v=1\r\n" * 1000 + message
    assert len(said(many, both).dkim) == limits.DKIM_SIGNATURES


def test_what_is_not_all_there_is_not_known() -> None:
    long = signed(HEADER + b"\r\n" + b"x" * 1000 + b"\r\n")
    assert outcome(long)[0] == "pass"
    longer = signed(HEADER + b"\r\n" + (b"x" * 998 + b"\r\n") * (limits.MESSAGE_BYTES // 1000 + 1))
    assert outcome(longer) == ("temperror", "not all of the message is here")


def test_without_the_dns_nothing_is_known() -> None:
    from tamis.authentication import Authentication

    (one,) = Authentication(mail(signed())).dkim
    assert one.result == "temperror"


@pytest.mark.parametrize("blanks", [b" ", b"\t", b" \t", b"\n ", b" \n"])
def test_time_is_linear_in_blanks(blanks: bytes) -> None:
    message = signed()
    run = blanks.replace(b"\n", b"\r\n") * (limits.DKIM_FIELD_BYTES // 3)
    many = blanks.replace(b"\n", b"\r\n") * 1_000_000
    began = time.process_time()
    assert outcome(message.replace(b"Hello", b"Hel" + many + b"lo"))[0] == "fail"
    assert outcome(message.replace(b" b=", b" b=" + run, 1))[0] in ("neutral", "pass", "fail")
    assert outcome(message.replace(b"Subject: ", b"Subject: " + run, 1))[0] in ("pass", "fail")
    assert time.process_time() - began < 2
