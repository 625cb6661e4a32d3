"""Row 33: letters that are not what they look like. Each sign is in a message written for it, and in no plain one."""

import pytest

from tamis.contract import Context
from tamis.filters.malformed_headers import MalformedHeaders
from tamis.phishing.letter_signs import SIGNS
from tamis.testing import mail

FILTER = MalformedHeaders()


def message(subject: str, text: str = "hello") -> str:
    return f"From: bob@example.net\nSubject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"


def found(text: str) -> list[str]:
    context = Context(options=MalformedHeaders.Options())
    return [hit.name for hit in FILTER.check(mail(text), context) if hit.name in SIGNS]


FIRED = {
    "SUBJECT_NO_WIDTH": message("Your pass\u200bword"),
    "SUBJECT_BIDI": message("Invoice \u202efdp.exe"),
    "SUBJECT_MIXED_SCRIPT": message("Your аccount is locked"),
    "SUBJECT_STYLED": message("𝐘𝐨𝐮𝐫 invoice"),
    "SUBJECT_MARKS": message("➧➧ Last day"),
    "TEXT_NO_WIDTH": message("x", "pass\u200bword " * 5),
    "TEXT_BIDI": message("x", "\u202egpj.exe"),
    "TEXT_MIXED_SCRIPT": message("x", "your аccount " * 5),
    "TEXT_STYLED": message("x", "𝐘𝐨𝐮𝐫 " * 5),
}


def test_every_sign_has_its_message() -> None:
    assert list(FIRED) == list(SIGNS)


@pytest.mark.parametrize("name", FIRED)
def test_hit(name: str) -> None:
    assert found(FIRED[name]) == [name]


@pytest.mark.parametrize(
    "text",
    [
        message("Réunion du 12", "Façade, naïve, œuvre: Füße"),
        message("🎁 ✨ ➡️ for you"),
        message("➡️ ★ News"),
        message("« Réunion »"),
        message("Привет Ann", "обычный русский текст, and English"),
        message("👩\u200d👧 family", "👩\u200d👧 " * 20),
        message("\u202bשלום\u202c", "\u202eשלום"),
        message("می\u200cخواهم", "می\u200cخواهم " * 20),
        message("Soft hyphens", "Donau\u00addampf\u00adschiff " * 20),
        message("TNFα at 5 kΩ", "TNFα 5kΩ 3μm " * 20),
        message("代开发票 ＡＢ", "ＡＢＣ 漢字"),
        message("", ""),
    ],
)
def test_clean(text: str) -> None:
    assert found(text) == []
