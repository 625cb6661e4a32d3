"""The shipped rules: well-formed, precise by the table of their hits, and that table is of these rules."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.rule_hits import MOST_HAM_PERCENT, PAGE, fingerprint, table
from tamis.filters.keywords import Keywords
from tamis.filters.regex_logic import RegexLogic
from tamis.message import Message
from tamis.rules.matching import Rules
from tamis.rules.rule import Use
from tamis.rules.shipped import shipped_rules

RULES = shipped_rules()
TABLE = {cells[0]: cells for cells in table(PAGE.read_text(encoding="utf-8"))}
LOOKING = Rules(RULES)

SPAM = [
    ("en-next-of-kin", "I want to present you as the next of kin of my client."),
    ("en-advance-fee", "In strict confidence: this transaction is 100% risk free. I seek a reliable foreign partner."),
    ("en-lottery-winner", "Your email address has won the sum of one million pounds in our draw."),
    ("en-loan-offer", "Do you need an urgent loan? Bad credit is ok."),
    ("en-pills", "V1AGRA and C.I.A.L.I.S at low prices"),
    ("en-pharmacy", "Canadian Pharmacy: no prescription needed"),
    ("en-replica", "Exquisite Replica of R0lex watches"),
    ("en-casino", "200 free spins on your first deposit: play now at our Сasino, welcome bonus"),  # a Cyrillic С
    ("en-stock-pump", "Symbol: ABCD. Current Price: $0.09, 5 Day Target price: $0.40. Strong buy!"),
    ("en-blackmail", "I hacked your device and recorded you masturbating. Send 900 USD in bitcoin to my wallet."),
    ("en-facebook-login", "Someone tried to Iog in To Your Account, User lD : you@example.org"),
    ("en-seo", "I was looking at your website. We get you to the first page of Google: SEO services and more traffic."),
    ("fr-don-mourant", "Atteinte d'un cancer en phase terminale, je souhaite faire un don de mes biens."),
    ("fr-pret-particulier", "Offre de prêt entre particuliers, honnête. J'offre un crédit à toute personne sérieuse."),
    ("fr-loterie", "Votre adresse e-mail a été tirée au sort : vous gagnez la somme de 250 000 euros."),
    ("fr-convocation", "EUROPOL. Convocation, pédopornographie : faire parvenir vos justifications sous 72h."),
    ("fr-casino", "Bonus de bienvenue du casino : 150 tours gratuits, sans dépôt"),
    ("fr-chantage", "J'ai piraté votre ordinateur. Envoyez 500 € en bitcoin à mon portefeuille."),
    ("fr-voyance", "Grand maître marabout sérieux, retour de l'être aimé"),
    ("fr-rencontre", "Des femmes infidèles cherchent un plan près de chez toi"),
    ("fr-faux-president", "Pouvez-vous acheter des coupons PCS ? Grattez-les, envoyez-moi les codes."),
]  # fmt: skip
FORGED = [
    ("fr-banque-fausse", "Banque Postale", "Votre compte a été suspendu. Confirmez vos informations ici."),
    ("fr-ameli-faux", "Ameli", "Votre nouvelle carte vitale est disponible, cliquez ici."),
    ("fr-impots-faux", "impots.gouv", "Direction générale des finances publiques : un remboursement de 285,40 € "
     "en attente. Accéder à mon espace."),
    ("fr-amende-fausse", "ANTAI", "Dernier rappel : amende impayée. Cliquez sur le lien ci-dessous."),
    ("fr-colis-faux", "Chronopost", "Votre colis est en attente. Des frais de livraison de 1,99 € : cliquez ici."),
    ("en-account-phish", "PayPal Service", "Your account has been limited. Verify your information within 24 hours."),
    ("en-parcel-scam", "DHL Express", "Your parcel is on hold. Pay the customs fee to confirm your delivery."),
]  # fmt: skip
HAM = [
    "Bonjour, ton colis est arrivé chez moi, viens le chercher ce soir. Bises, Anne",
    "Rappel : la réunion du comité a lieu lundi à 14 h, ordre du jour en pièce jointe. Merci de confirmer.",
    "Les courses en ligne de Casino : vos bons d'achat et vos avantages fidélité de la semaine",
    "Votre facture EDF du mois est disponible dans votre espace client. Prélèvement le 12.",
    "Votre mutuelle vous informe : vos remboursements du mois sont en ligne.",
    "Vous avez oublié votre mot de passe ? Cliquez ici pour en choisir un autre.",
    "Dear all, please find attached the minutes, the invoice and the purchase order. Kind regards",
    "Your order has shipped. Track your package here. Delivery is on Tuesday.",
    "Your GitHub password was changed. If this was not you, reset your password.",
    "The replicas of the database store are in sync; the watch on the copy shop job failed again.",
    "We offer a university degree for adults; exams are in June. Our library is open on Sundays.",
]


def hit(text: str, author: str = "Ann <ann@example.net>") -> list[str]:
    message = Message(f"From: {author}\nSubject: x\nContent-Type: text/plain; charset=utf-8\n\n{text}\n".encode())
    return [match.name for match in LOOKING.look_at(message).everything() if match.rule.use is not Use.PART]


def decisive(names: list[str]) -> list[str]:
    return [name for name in names if RULES[name].decides]


@pytest.mark.parametrize(("name", "text"), SPAM, ids=[name for name, _ in SPAM])
def test_what_it_is_made_for(name: str, text: str) -> None:
    assert name in decisive(hit(text))


@pytest.mark.parametrize(("name", "author", "text"), FORGED, ids=[name for name, _, _ in FORGED])
def test_who_only_calls_himself_so(name: str, author: str, text: str) -> None:
    assert name in decisive(hit(text, f'"{author}" <info@x7.example>'))
    own = {"fr-banque-fausse": "labanquepostale.fr", "fr-colis-faux": "chronopost.fr", "en-account-phish": "paypal.com",
           "en-parcel-scam": "dhl.com"}.get(name, "x.gouv.fr")  # fmt: skip
    assert decisive(hit(text, f'"{author}" <info@{own}>')) == []
    assert name not in hit(f"Fwd: {text}", "Ann <ann@example.net>"), "somebody who shows it to a colleague"


@pytest.mark.parametrize("text", HAM)
def test_what_honest_mail_says(text: str) -> None:
    assert hit(text) == []


def test_their_number() -> None:
    acting = [rule for rule in RULES.values() if rule.use is not Use.PART]
    assert 80 <= len(acting) <= 150
    by_language = Counter(rule.language for rule in acting)
    assert min(by_language["fr"], by_language["en"]) >= 40
    assert all(rule.use is not Use.EXCEPTION for rule in RULES.values()), "exceptions are the operator's own"
    assert all(name.startswith(f"{rule.language}-") for name, rule in RULES.items())


def test_their_tests_are_declared() -> None:
    assert len(Keywords.tests) + len(RegexLogic.tests) == sum(rule.use is not Use.PART for rule in RULES.values())


def test_the_table_is_of_these_rules() -> None:
    assert list(TABLE) == list(RULES), "run python -m benchmarks.rule_hits"
    for name, cells in TABLE.items():
        assert cells[7] == fingerprint(name, RULES), f"{name} was changed: run python -m benchmarks.rule_hits"
        assert cells[8].rstrip(" |") == RULES[name].description


def test_no_rule_hits_much_ham() -> None:
    for name, cells in TABLE.items():
        if RULES[name].use is not Use.PART:
            assert float(cells[4].removesuffix(" %")) <= MOST_HAM_PERCENT, name


def test_every_decisive_rule_is_precise_in_the_table() -> None:
    for name, cells in TABLE.items():
        if RULES[name].decides:
            assert int(cells[3]) <= 5, name


def test_the_page_says_how_it_is_made() -> None:
    assert re.search(r"Measured on [0-9,]+ ham and [0-9,]+ spam", PAGE.read_text(encoding="utf-8"))
    command = [sys.executable, "-m", "benchmarks.rule_hits"]
    environment = {"PATH": "/usr/bin:/bin"}
    run = subprocess.run(command, cwd=Path(__file__).parents[2], env=environment, capture_output=True, text=True)
    assert run.returncode == 2
    assert "TAMIS_CORPORA" in run.stderr
