"""The page of the sender: GET shows, POST acts once a person is proved; of its own proven messages alone."""

import base64
import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import altcha
import pytest

from tamis.config import Config
from tamis.list_store import ListStore
from tamis.lists import ListName
from tamis.policy_store import PolicyStore
from tamis.quarantine.store import Store
from tamis.telling import Telling
from tamis.tokens import Purpose
from tamis.web import challenge
from tamis.weight_store import WeightStore
from tests.quarantine.held import copy, events, hold, states
from tests.web.conftest import Visitor, settings, visitor

ANN = "ann@sender.example"
KEY = "the-key-of-the-tests"


@pytest.fixture
def ann(tmp_path: Path) -> Iterator[Visitor]:
    one = visitor(settings(tmp_path, more=f'challenge_test_key = "{KEY}"\n'))
    one.house.store.spool.prepare()
    with closing(one.client):
        yield one


@pytest.fixture
def store(ann: Visitor) -> Store:
    return ann.house.store


def link(one: Visitor, sender: str = ANN, purpose: Purpose = Purpose.RELEASE, seconds: float = 1000) -> str:
    return f"/release/{one.house.tokens.make(purpose, sender, seconds)}"


def held(store: Store, number: int = 1, *copies: object, **values: object) -> str:
    raw = b"Subject: %d\r\n\r\nx\r\n" % number
    return hold(store, *copies, raw=raw, telling=values.pop("telling", Telling.SENT), subject=f"no. {number}", **values)  # type: ignore[arg-type]


def whitelisted(one: Visitor) -> list[tuple[str, str, str]]:
    url = one.house.config.database_url
    return [(e.entry.domain, e.entry.value, e.added_by) for e in ListStore(url).stored(ListName.WHITELIST_SENDER)]


def weight(config: Config, domain: str = "example.org") -> str:
    found = WeightStore(config.database_url, 90).find(domain, ANN)
    return found.why if found else ""


def test_a_person_has_it_delivered(ann: Visitor, store: Store) -> None:
    name = held(store)
    page = ann.get(link(ann))
    assert page.url.path == "/held/release"
    assert "no. 1" in page.text
    assert "to bob@example.org" in page.text
    done = ann.post("/release", {"copy": f"{name}.1", "code": KEY})
    assert "1 message is on its way" in done.text
    assert "Nothing of ann@sender.example is held now" in done.text
    assert states(store) == {f"{name}.1": "released"}
    assert events(store, f"{name}.1")[0][1] == f"its sender {ANN}, on the page of the notice"
    assert whitelisted(ann) == [("example.org", ANN, "captcha")]
    assert weight(ann.house.config) == "1 validation"
    with store.transaction() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM learned").scalar() == 0


def test_get_changes_nothing(ann: Visitor, store: Store) -> None:
    """Link scanners follow every link, and every link of what they find."""
    name = held(store)
    seen: set[str] = set()
    new = [ann.house.url(link(ann)), "/held/release?released=1", f"/held/release?copy={name}.1&code={KEY}"]
    while new:
        path = new.pop()
        seen.add(path)
        for method in ("GET", "HEAD"):
            answer = ann.client.request(method, path)
            found = re.findall(r'(?:href|src|action)="(/held[^"]*)"', answer.text)
            new += [one for one in found if one not in seen and one not in new]
    assert any("/code/" in path for path in seen)
    assert states(store) == {f"{name}.1": "held"}
    assert whitelisted(ann) == []


def test_the_token_leaves_the_address(ann: Visitor, store: Store) -> None:
    held(store)
    answer = ann.client.get(ann.house.url(link(ann)), follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/held/release")
    assert answer.headers["referrer-policy"] == "no-referrer"
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("tamis_release=", "httponly", "secure", "samesite=lax"))
    token = link(ann).rpartition("/")[2]
    assert token not in ann.get("/release").text


@pytest.mark.parametrize("how", ["expired", "forged", "other purpose", "other secret", "visit", "cut", "none", "dots"])
def test_links_that_do_not_count(ann: Visitor, store: Store, tmp_path: Path, how: str) -> None:
    name = held(store)
    good = link(ann)
    other = visitor(settings(tmp_path, more=f'secret_file = "{tmp_path}/other"\n'))
    paths = {
        "expired": link(ann, seconds=-1),
        "forged": "/release/"
        + base64.urlsafe_b64encode(b"0" * 20 + b"9999999999:" + ANN.encode()).decode().rstrip("="),
        "other purpose": link(ann, purpose=Purpose.MAILBOX),
        "other secret": link(other),
        "visit": link(ann, purpose=Purpose.RELEASE_VISIT),
        "cut": good[:-1],
        "none": "/release/x",
        "dots": "/release/..%2f..%2fetc%2fpasswd",
    }
    answer = ann.get(paths[how])
    assert answer.status_code in (404, 410)
    assert "no. 1" not in answer.text
    assert ann.get("/release").status_code == 410
    assert ann.post("/release", {"copy": f"{name}.1", "code": KEY}).status_code in (403, 410)
    assert states(store) == {f"{name}.1": "held"}


def test_forged_cookies(ann: Visitor, store: Store) -> None:
    held(store)
    for value in ("", "x", ANN, link(ann).rpartition("/")[2]):
        ann.client.cookies.set("tamis_release", value)
        assert ann.get("/release").status_code == 410


def test_replayed_links_and_forms_release_once(ann: Visitor, store: Store) -> None:
    name = held(store)
    for _ in range(3):
        assert ann.get(link(ann)).status_code == 200
        ann.post("/release", {"copy": f"{name}.1", "code": KEY})
    assert len([one for one in events(store, f"{name}.1") if one[0] == "released"]) == 1
    assert weight(ann.house.config) == "1 validation"


def test_only_its_own_proven_messages(ann: Visitor, store: Store) -> None:
    mine = held(store, 1)
    others = [
        held(store, 2, telling=Telling.UNPROVED),
        held(store, 3, telling=Telling.SPF),
        held(store, 4, telling=Telling.TRAP),
        held(store, 5, copy(malware=True)),
        held(store, 6, sender="eve@sender.example", sender_key="eve@sender.example"),
        held(store, 7, telling=Telling.OFF),
    ]
    text = ann.get(link(ann)).text
    assert re.findall(r"no\. \d", text) == ["no. 1"]
    every = [f"{name}.1" for name in (mine, *others)]
    ann.post("/release", {"copy": every, "code": KEY})
    assert [name for name, state in states(store).items() if state == "released"] == [f"{mine}.1"]


def test_some_of_several(ann: Visitor, store: Store) -> None:
    names = [held(store, number) for number in range(3)]
    ann.get(link(ann))
    page = ann.post("/release", {"copy": [f"{names[0]}.1", f"{names[2]}.1"], "code": KEY})
    assert "2 messages are on their way" in page.text
    assert [states(store)[f"{name}.1"] for name in names] == ["released", "held", "released"]
    assert ann.post("/release", {"code": KEY}).status_code == 400


def test_the_option_not_to_whitelist(tmp_path: Path) -> None:
    more = f'challenge_test_key = "{KEY}"\n[domain."example.org"]\nwhitelist_validated = false\n'
    one = visitor(settings(tmp_path, more=more))
    store = one.house.store
    store.spool.prepare()
    name = held(store, 1, copy("bob@example.org"), copy("bob@other.example"))
    one.get(link(one))
    one.post("/release", {"copy": [f"{name}.1", f"{name}.2"], "code": KEY})
    assert set(states(store).values()) == {"released"}
    assert whitelisted(one) == [("other.example", ANN, "captcha")]
    assert weight(one.house.config) == ""
    assert weight(one.house.config, "other.example") == "1 validation"


def test_that_option_of_one_address(ann: Visitor, store: Store) -> None:
    PolicyStore(ann.house.config.database_url).set("bob@example.org", {"whitelist_validated": False}, "bob")
    name = held(store)
    ann.get(link(ann))
    ann.post("/release", {"copy": f"{name}.1", "code": KEY})
    assert set(states(store).values()) == {"released"}
    assert whitelisted(ann) == []


def test_an_entry_of_a_person_is_left_alone(ann: Visitor, store: Store) -> None:
    lists = ListStore(ann.house.config.database_url)
    lists.add(ListName.WHITELIST_SENDER, ANN, "example.org", "admin")
    name = held(store)
    ann.get(link(ann))
    ann.post("/release", {"copy": f"{name}.1", "code": KEY})
    assert whitelisted(ann) == [("example.org", ANN, "admin")]


# --- the proof


def solve(ann: Visitor) -> str:
    text = re.findall(r'data-challenge="([^"]*)"', ann.get("/release").text)[0].replace("&#34;", '"')
    asked = altcha.Challenge.from_dict(json.loads(text))
    solution = altcha.solve_challenge(asked)
    assert solution is not None
    return altcha.Payload(asked, solution).to_base64()


@pytest.mark.slow
def test_work_counts_once(ann: Visitor, store: Store) -> None:
    first, second = (f"{held(store, number)}.1" for number in range(2))
    ann.get(link(ann))
    work = solve(ann)
    assert ann.post("/release", {"copy": first, "altcha": work}).status_code == 200
    assert ann.post("/release", {"copy": second, "altcha": work}).status_code == 400
    assert (states(store)[first], states(store)[second]) == ("released", "held")


@pytest.mark.parametrize(
    "work",
    [
        "",
        "x",
        "e30=",
        base64.b64encode(b"[" * 40_000).decode(),
        base64.b64encode(b'{"challenge":1,"solution":[]}').decode(),
    ],
    ids=["none", "letters", "empty", "deep", "odd"],
)
def test_what_is_no_work(ann: Visitor, store: Store, work: str) -> None:
    name = held(store)
    ann.get(link(ann))
    assert ann.post("/release", {"copy": f"{name}.1", "altcha": work}).status_code == 400
    assert states(store) == {f"{name}.1": "held"}


def test_work_for_another_site_does_not_count(ann: Visitor, store: Store) -> None:
    name = held(store)
    ann.get(link(ann))
    asked = altcha.create_challenge("PBKDF2/SHA-256", 1, key_prefix="", hmac_secret="theirs")
    solution = altcha.solve_challenge(asked)
    assert solution is not None
    work = altcha.Payload(asked, solution).to_base64()
    assert ann.post("/release", {"copy": f"{name}.1", "altcha": work}).status_code == 400


def code_of(ann: Visitor) -> tuple[str, str]:
    token = ann.hidden("code_token")
    nonce = ann.house.tokens.read(Purpose.CODE, token).subject
    return token, challenge._code(ann.house, nonce)


def test_the_code_of_the_image_counts_once_whatever_its_case(ann: Visitor, store: Store) -> None:
    first, second = (f"{held(store, number)}.1" for number in range(2))
    ann.get(link(ann))
    token, code = code_of(ann)
    image = ann.client.get(ann.house.url(f"/code/{token}.png"))
    assert image.headers["content-type"] == "image/png"
    assert image.content.startswith(b"\x89PNG")
    assert code not in ann.response.text  # type: ignore[union-attr]
    fields = {"code_token": token, "code": f" {code.lower()} "}
    assert ann.post("/release", {"copy": first, **fields}).status_code == 200
    assert ann.post("/release", {"copy": second, **fields}).status_code == 400


def test_a_code_can_be_guessed_once(ann: Visitor, store: Store) -> None:
    name = held(store)
    ann.get(link(ann))
    token, code = code_of(ann)
    assert ann.post("/release", {"copy": f"{name}.1", "code_token": token, "code": "AAAAA"}).status_code == 400
    assert ann.post("/release", {"copy": f"{name}.1", "code_token": token, "code": code}).status_code == 400
    assert states(store) == {f"{name}.1": "held"}


def test_no_test_key_unless_it_is_configured(tmp_path: Path) -> None:
    one = visitor(settings(tmp_path))
    one.house.store.spool.prepare()
    name = held(one.house.store)
    one.get(link(one))
    for code in ("", KEY, "é", "\0"):
        assert one.post("/release", {"copy": f"{name}.1", "code": code}).status_code == 400


# --- abuse


@pytest.mark.slow
def test_too_many_tries(ann: Visitor, store: Store) -> None:
    name = held(store)
    ann.get(link(ann))
    token = ann.hidden("form_token")
    answers = [ann.post("/release", {"copy": f"{name}.1", "form_token": token}).status_code for _ in range(31)]
    assert answers == [400] * 30 + [429]
    assert [ann.get(link(ann)).status_code for _ in range(61)][-1] == 429


def test_forms_of_other_sites_release_nothing(ann: Visitor, store: Store) -> None:
    name = held(store)
    ann.get(link(ann))
    data = {"copy": f"{name}.1", "code": KEY}
    assert ann.client.post("/held/release", data=data).status_code == 403
    good = {**data, "form_token": ann.hidden("form_token")}
    assert ann.client.post("/held/release", data=good, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert states(store) == {f"{name}.1": "held"}


EVIL = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*1301 }}{% include 'x' %}%(sender)s%s",
    "javascript:alert(1)",
    "\u202egpj.exe\u0000",
]


@pytest.mark.parametrize("text", EVIL)
def test_what_strangers_write_is_shown_as_text(ann: Visitor, store: Store, text: str) -> None:
    sender = f'"{text}"@sender.example'.replace("\0", "")
    hold(store, copy(f'"{text}"@example.org'), telling=Telling.SENT, subject=text, sender=sender, sender_key=sender)
    page = ann.get(link(ann, sender)).text
    assert "<script>" not in page
    assert "<img src=x" not in page
    assert "9107" not in re.sub(r'(value|content|href|src|data-[a-z]+)="[^"]*"', "", page)
    if "7*7" in text:
        assert text.replace("'", "&#39;") in page


@pytest.mark.parametrize(
    "name", ["' OR 1=1 --", "%", "*", "../../etc/passwd", "1'; DROP TABLE copy; --", "\0", "x" * 3000]
)
def test_odd_names_of_copies_are_nobody_s(ann: Visitor, store: Store, name: str) -> None:
    mine = held(store)
    ann.get(link(ann))
    assert ann.post("/release", {"copy": name, "code": KEY}).status_code == 400
    assert states(store) == {f"{mine}.1": "held"}
    assert ann.get("/release?released=99999999").status_code == 200
    assert ann.get("/release?released=<b>").status_code == 200
