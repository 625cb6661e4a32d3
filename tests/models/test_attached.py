"""Short honest letters that carry something, scored by all rows and named tests: far below the level."""

from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from tamis.config import parse
from tamis.engine import Engine
from tamis.testing import mail

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\x37\x9c\x11\xe4" * 9000 + b"\xff\xd9"
PDF = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n" + b"\x8a\x01\xf3" * 4000 + b"\n%%EOF\n"

LETTERS = {
    "a photo, in French": ("Dimanche", "Voici ce que tu voulais.\nBises, Marie", "photo.jpg"),
    "a photo, in English": ("Sunday", "Here is the picture you wanted.\nSee you, Marie", "IMG_2041.jpg"),
    "a photo without a word": ("photo", "", "IMG_2041.jpg"),
    "an invoice, in French": (
        "Facture n° 2026-118",
        "Bonjour Monsieur Martin,\n\nVeuillez trouver ci-joint la facture n° 2026-118 d'un montant de 480,00 € TTC, "
        "à régler sous 30 jours.\n\nCordialement,\nMarie Dupont\nMenuiserie Dupont, 12 rue des Lilas, Nantes",
        "facture-2026-118.pdf",
    ),
    "a document, in French": ("Le compte rendu", "Bonjour,\nVoici le compte rendu.\nCordialement,\nMarie", "cr.pdf"),
}


def _letter(subject: str, text: str, filename: str, *, html: bool) -> bytes:
    letter = EmailMessage(policy=SMTP)
    letter["Received"] = "from mail.example.fr (mail.example.fr [192.0.2.9]) by mx.example.org with ESMTPS id 4X"
    letter["From"], letter["To"], letter["Subject"] = "Marie Dupont <marie@example.fr>", "paul@example.org", subject
    letter["Date"], letter["Message-ID"] = "Mon, 02 Nov 2026 10:00:00 +0100", "<7f3b6d0e-12a5-4f6e@example.fr>"
    letter.set_content(text + "\n")
    if html:
        letter.add_alternative("".join(f"<p>{line}</p>\n" for line in text.splitlines() if line), subtype="html")
    photo = filename.endswith(".jpg")
    kind = {"maintype": "image", "subtype": "jpeg"} if photo else {"maintype": "application", "subtype": "pdf"}
    letter.add_attachment(JPEG if photo else PDF, filename=filename, **kind)
    return letter.as_bytes()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """All rows and the named tests, as a fresh installation has them; nothing of the network is asked."""
    config = parse(f'[daemon]\nstate_directory = "{tmp_path_factory.mktemp("state")}"\n', "x")
    made = Engine(config, network=False)
    yield made
    made.close()


@pytest.mark.parametrize("html", [False, True], ids=["plain", "html"])
@pytest.mark.parametrize("name", LETTERS)
def test_a_short_letter_that_carries_something_is_far_from_held(name: str, html: bool, engine: Engine) -> None:
    letter = _letter(*LETTERS[name], html=html)
    (verdict,) = engine.examine(mail(letter, peer="192.0.2.9", sender="marie@example.fr")).verdicts
    assert len(verdict.tests) > 30, "the named tests are among them"
    assert not verdict.spam
    assert verdict.score < (4500 if LETTERS[name][1] else 6000)
