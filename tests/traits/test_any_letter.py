"""Whatever stands in a message, the tests answer, in time, and name nothing that is not declared."""

import re
import time
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.message import Message
from tamis.traits import CANDIDATES, FAMILIES, TRAITS, found_in, header_layout, mailings, people, subjects, weighed
from tamis.traits.html_structure import comments_of
from tamis.traits.letter import Letter, date_of
from tamis.traits.web_links import has_token
from tamis.traits.weights import asked

_HEADER = st.sampled_from(
    [
        b"Received: from [1.2.3.4] (HELO x) by 5.6.7.8 with esmtp id 1; Mon, 32 Foo 99999 99:99:99 -9999\n",
        b"Received: \n",
        b"Received: from a by b with SMTP; Mon, 1 Jan 2007 10:00:00 +0100\n",
        b"From: \xff\xfe <@>\n",
        b"From: <>\n",
        b"From: a@x.example (n)\n",
        b'To: <<>>, a@b, "\n',
        b"To: undisclosed-recipients:;\n",
        b"Date: Mon, 1 Jan 2007 10:00:00 +0530 (\n",
        b"Date: 31 Dec 9999 23:59:59 -2359\n",
        b"Date: x\n",
        b"Message-ID: <@>\n",
        b"Message-ID: $$@[1.2.3.4]\n",
        b"Subject: =?x?q?\xff?=\n",
        b"Subject: =?\n",
        b"Subject: [\n",
        b'Content-Type: multipart/mixed; boundary="b\n',
        b"Content-Type: multipart/mixed; boundary=b\n",
        b"Content-Type: ;boundary=\n",
        b"Content-Type: text/html; charset=utf-7\n",
        b"Content-Type: text/html\n",
        b"X-Mailer: Microsoft Outlook Express 6.00.\n",
        b"X-Mailer: Microsoft Outlook Express 6.00.2900.2180\n",
        b"X-MimeOLE: \n",
        b"References: <a@b> <c@d>\n",
        b"In-Reply-To: x\n",
        b"List-Id: <\n",
        b"List-Unsubscribe: \n",
        b"X-Priority:\n",
        b"-:\n",
        b"\xff\xff: x\n",
    ]
)
_BODY = st.one_of(
    st.sampled_from(
        [
            b"--b\nContent-Type: text/html\n\n",
            b"--b\nContent-Type: image/gif; name=.\nContent-ID: $@\n\nGIF8",
            b"--b\n\n",
            b"--b--\n",
            b"<a href='http://",
            b"://",
            b"<img width=9999 src=cid:",
            b"<!--",
            b"-->",
            b"<style>font-size:1..pt color:#ffffff",
            b"style='font-size:9e9px'",
            b"&#x;&#65;",
            b">",
            b"\n> > x\n",
            b"\n-- \n",
            b" " * 40,
            b"\n" * 12,
            b"$1,000,000.00 ",
            b"a a a ",
            b"\xe5\x8f\x91\xe7\xa5\xa8",
            b"\xd0\xb0\xce\xb1",
            b"unsubscribe",
            b"\0",
        ]
    ),
    st.binary(max_size=20),
    st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(_HEADER, max_size=8), st.lists(_BODY, max_size=25))
def test_any_message(header: list[bytes], body: list[bytes]) -> None:
    message = Message(b"".join(header) + b"\n" + b"".join(body))
    found = found_in(message)
    assert len(found) == len({*found})
    assert CANDIDATES.keys() >= {*found}
    # What weighs nothing is not looked for; what weighs is found all the same.
    assert [name for name, _ in weighed(message)] == [name for name in found if name in TRAITS]


@settings(max_examples=100, deadline=None)
@given(st.lists(_HEADER, max_size=8), st.lists(_BODY, max_size=25))
def test_each_family_names_what_it_declares(header: list[bytes], body: list[bytes]) -> None:
    letter = Letter(Message(b"".join(header) + b"\n" + b"".join(body)), everything=True)
    for family in FAMILIES:
        numbers: dict[str, int] = {}
        assert {*family.look(letter, numbers)} <= {*family.flags}, family.name
        assert numbers.keys() <= {measure.name for measure in family.measures}, family.name


def test_what_has_a_weight_is_asked_for_and_nothing_else() -> None:
    for family in FAMILIES:
        assert {name for name in family.flags if name in asked()} == family.flags.keys() & TRAITS.keys()
        for measure in family.measures:
            assert (measure.name in asked()) == any(name in TRAITS for name, _ in measure.tests())


def test_names_are_distinct_and_of_no_other_row() -> None:
    from tamis.filters.order import ORDER

    names = Counter(trait.name for family in FAMILIES for trait in family.traits())
    assert max(names.values()) == 1
    others = {name for row in ORDER if row.filter and row.name != "bayes" for name in row.filter.tests}
    assert not others & names.keys()


@given(st.lists(st.sampled_from(["a" * 19, "b" * 20, "1", "/", "_", "-", ".", "\n"]), max_size=8).map("".join))
def test_a_token_is_found_where_the_plain_pattern_finds_it(text: str) -> None:
    assert has_token(text) == bool(re.search(r"(?=[a-z/_-]*[0-9])[a-z0-9_-]{20,}", text))


@given(st.lists(st.sampled_from(["<!--", "-->", "-", "!", "x" * 1999, ">", "a"]), max_size=9).map("".join))
def test_comments_are_those_of_the_plain_pattern(text: str) -> None:
    assert [*comments_of(text)] == [*map(len, re.findall(r"<!--(.{0,2000}?)-->", text, re.S))]


@given(st.text(alphabet="ab.-+@_é \n", max_size=30))
def test_an_address_is_found_where_the_plain_pattern_finds_it(text: str) -> None:
    plain = re.search(r"[\w.+-]{1,64}@([\w-]{1,63}\.[\w.-]{2,100})", text)
    assert (people._ADDRESS.search(text) is None) == (plain is None)


_DATE_PIECES = (
    "Mon, |Mon,|mon |1 |31 |99 |Jan |Feb |jan |2007 |0099 |07 |10:00:00 |99:00:00 |1:2 |+0100|-0530|-0000|+9999|GMT"
    "| |,| (CET)|٣ |\t|\n|;|some fifty characters that are no date of anything "
)
_DATES = st.lists(st.sampled_from(_DATE_PIECES.split("|")), max_size=9).map("".join)


@given(_DATES)
def test_the_date_of_a_hop_is_what_the_plain_pattern_finds(text: str) -> None:
    hop = text.replace("\n", "").strip()
    plain = re.search(r";\s*([^;]{10,60})$", hop[-100:])
    assert date_of(hop) == (plain[1] if plain else "")


def described_spelling(name: bytes) -> str:
    if name[:2] == b"x-":
        return "SPELLED_X_SMALL"
    if len(name) > 4 and name.isupper():
        return "SPELLED_CAPITALS"
    if b"-" in name and name[0] < 97 and name[name.index(b"-") + 1 :][:1].islower():
        return "SPELLED_SMALL_SECOND"
    return {b"Message-Id": "SPELLED_MESSAGE_ID", b"Mime-Version": "SPELLED_MIME_VERSION"}.get(name, "")


_SPELLED_NAME = st.lists(
    st.sampled_from([b"x", b"-", b"A", b"AAAA", b"b", b"1", b"\xff", b"Message-Id", b"Mime-Version"]),
    min_size=1,
    max_size=5,
).map(b"".join)


@given(st.lists(_SPELLED_NAME, max_size=5))
def test_names_and_their_spelling(names: list[bytes]) -> None:
    letter = Letter(Message(b"".join(name + b": x\n" for name in names) + b"\n"), everything=True)
    assert letter.names == [field.name.decode("latin-1").lower() for field in letter.headers]
    spelled = {flag for flag in header_layout.FAMILY.look(letter, {}) if flag.startswith("SPELLED_")}
    assert spelled - {"SPELLED_SMALL"} == {*map(described_spelling, names)} - {""}


def _processor_seconds(body: bytes) -> float:
    message = Message(b"Content-Type: text/html\nSubject: x\n\n" + body)
    began = time.process_time()
    found_in(message)
    return time.process_time() - began


def test_no_text_is_slow() -> None:
    """Pathological for patterns that go back: all are linear, or look at few characters."""
    for piece in (
        b"<",
        b"<td ",
        b"<!-- ",
        b"a.",
        b"( ",
        b"1-",
        b"$1",
        b"> ",
        b"-",
        b"_",
        b"http://a",
        b"= ",
        b"&#6",
        b"a ",
    ):
        assert _processor_seconds(piece * 40_000) < 3
    assert _processor_seconds(b"".join(b"http://x%d.example/%s " % (number, b"a" * 2000) for number in range(200))) < 1
    assert _processor_seconds(b"$ $ $ x" + b"1" * 20_000) < 0.5


_ASCII_PIECES = (
    "re:|patch|[rfc|r12345|a.b.c|a1a|aA|123456|1/2/2007|2010-12|jan|5|x.com|you|I|we|$5|5 usd|NY|12345|75001|Paris|P.O."
    "|Box|Suite|Street|Ave|copyright|(C)|all rights|opt-out|unsubscribe|no longer|want"
)
_ASCII = st.lists(
    st.one_of(
        st.sampled_from(_ASCII_PIECES.split("|")), st.text(alphabet=st.characters(max_codepoint=127), max_size=4)
    ),
    max_size=9,
).flatmap(lambda words: st.sampled_from([" ", "", "\v", "\x1c", "\n"]).map(lambda space: space.join(words)))


@given(_ASCII)
def test_both_engines_say_the_same_of_ascii(text: str) -> None:
    for both in (subjects._EXPRESSIONS, mailings._AT_END, mailings._IN_LAST_FIFTH):
        wanted = {flag for flag, pattern in both._table.all if pattern.search(text)}
        assert both._together.found(text.encode(), everything=True) == wanted
        assert both.of(text, Letter(Message(b""))) == wanted & TRAITS.keys()
