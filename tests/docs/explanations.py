"""docs/explanations.md: why a message is held, row by row, in the words of its recipient and of its administrator.

The sentences are those of tamis/letters/reasons.py and its translation; the samples of `because` are held to the
messages of the demo by test_explanations.py, where one of these is decided by that row.
"""

# ruff: noqa: E501
# (texts of a page, one line each, as they stand there)

from typing import Final, NamedTuple

from tamis.filters.order import BY_NAME, Judgement, Row
from tamis.letters.reasons import REASONS, reason
from tamis.translations import catalogue


class Advice(NamedTuple):
    because: str
    """As `tamis scan` prints it."""
    means: str
    do: str
    sample: str = ""
    """The message of the demo that it was printed of."""


_MALWARE: Final = "Leave it. If the sender is known and expected: save the octets by `quarantine show --raw`, ask them by another way what it is, have it scanned elsewhere, and only then `tamis quarantine release ID --malware`."

ADVICE: Final = {
    "antivirus-1": Advice(
        "clamd.local finds Eicar-Test-Signature",
        "A scanner of the first stage, asked before everything else, knows this content.",
        _MALWARE + " Names that are mere guesses can [score only](scanners.md).",
    ),
    "spf": Advice(
        "library.example forbids 198.51.100.9 (-all)",
        "The domain of the envelope sender publishes which servers send its mail, and this is none of them. The name is forged, or somebody forwards mail without rewriting the sender. No notice is sent: its sender may be nobody's.",
        "Where it was forwarded for one of yours, name the forwarder in `networks.forwarders`, or in `spf.sealers` where it seals with ARC. Else the sender's administrator has to correct the record.",
    ),
    "sender-complaint": Advice(
        "envelope sender matches desk@library.example (complaint_sender of the platform)",
        "Complaints were accepted against this sender, or a list of an official body names it.",
        "`tamis list show complaint-sender` says since when and by whom. A whitelist of the domain goes first (row 6).",
    ),
    "blacklisted-ip": Advice(
        "peer matches 203.0.113.66 (blacklist_ip of the platform)",
        "Somebody of yours put the server on a blacklist, or flagged the same content from it as spam.",
        "`tamis list show blacklist-ip` says who and why; `tamis list remove` takes it off.",
        "blacklisted-ip.eml",
    ),
    "blacklisted-sender": Advice(
        "envelope sender matches persistent.example (blacklist_sender of the platform)",
        "Somebody of yours put the sender, or its domain, on a blacklist; what stands in brackets is whose list it is.",
        "`tamis list remove blacklist-sender VALUE`; of one address with `--address`.",
        "held-spam.eml",
    ),
    "reverse-dns": Advice(
        "198.51.100.77 has no name in the DNS (nxdomain)",
        "Honest servers have a name; machines that were broken into mostly have none. A DNS that does not answer is no ground.",
        "Tell the sender's administrator to ask their provider for a PTR record. Until then `whitelist-ip`, for a time (`--for 30d`).",
    ),
    "missing-sender": Advice(
        "null sender, and no sign of a notice; score 9.744 reaches 3.75, 50% of the level",
        "There is no `From:`, or the sender is empty although the message is no report and answers nothing of yours. The latter decides only with half the level's score.",
        "A program that writes so is to be corrected. Until then `whitelist-ip` of its server.",
        "null-sender.eml",
    ),
    "same-sender-recipient": Advice(
        "the envelope sender ann@example.org is the recipient",
        "From outside comes mail that pretends to be from its own recipient: a common trick.",
        "Who sends themselves notes from a phone should log in to your server; a program of yours elsewhere belongs into `networks.own` or `whitelist-ip`.",
        "same-sender-recipient.eml",
    ),
    "honeypot": Advice(
        "recipient matches hidden@example.org (trap of the platform)",
        "An address that nobody was ever given was written to, or a decoy listener was used. It decides for that recipient alone.",
        "`tamis list show trap`: was a real address made a trap by mistake? Then remove it and release.",
    ),
    "ip-complaint": Advice(
        "peer matches 203.0.113.25 (complaint_ip of the platform)",
        "Complaints were accepted against the server.",
        "`tamis complaint list --state listed` has them. When its administrator has put things right: `tamis list remove complaint-ip IP`.",
    ),
    "invalid-mx": Advice(
        "null.example says that it takes no mail (null MX)",
        "No answer could reach the sender: the domain does not exist, takes no mail, or names hosts in private address space.",
        "The sender's administrator has to correct the domain, or to send under another. Until then `whitelist-ip`.",
    ),
    "maps-rbl": Advice(
        "203.0.113.25 is on 2 of 2 lists that answered (100%): one, two",
        "At least two DNS lists answered, and half of them or more name the server or the sender's domain.",
        "The sender asks those lists to take it off; each has a page for that. A list that is wrong too often: `enabled = false`, or `tamis history replay --off maps-rbl` to see what it would have cost.",
    ),
    "empty-mail": Advice(
        "no text, no image and no attachment",
        "Empty mail finds out which addresses exist.",
        "Scanners and alarms that send everything in the subject: put their server on `whitelist-ip`, or `tamis policy set DOMAIN empty-mail=off`.",
        "empty.eml",
    ),
    "keywords": Advice(
        "fr-loterie, text: 'votre adresse email a ete tiree au sort lors de notre loteri'",
        "A rule hit: its name, where, and the words that it hit, without accents and case.",
        "`tamis rules test --shipped RULES MAIL` shows every hit. One rule off: `keywords.without`; a kind of mail that must pass: an [exception](rules.md).",
        "spam-lottery-french.eml",
    ),
    "regex-logic": Advice(
        "en-pills: en-pill-viagra, en-pill-cialis, en-pill-other, en-pharmacy-words",
        "A rule of several parts held: its name, and the parts that were found.",
        "As for keywords, with `regex-logic.without`.",
    ),
    "ocr": Advice(
        "an image of 18,304 octets: known spam image 5c1d09e2b7a4 (the same pixels)",
        "An image was taught as spam, by its octets, its pixels, its looks or the text in it; or its text hits a keyword rule.",
        "`tamis image list`, `tamis image forget`: a logo that spam borrows must not be taught.",
    ),
    "mail-checksum": Advice(
        "the same message to 31 recipients within 10 min",
        "Dozens of your recipients got the same at the same moment, and nothing excuses it, as a list header (`List-Id`, `List-Unsubscribe`) does together with a proof of the sender.",
        "A newsletter that many of yours want: `whitelist-sender`, or have its sender sign it with DKIM and say `List-Id`.",
    ),
    "surbl": Advice(
        "garden.example is on 2 of 2 lists that answered (100%): urls, links",
        "Half or more of the URL lists that answered name a domain that the message links to.",
        "Ask the owner of the site whether it was broken into. The lists have pages to be taken off.",
    ),
    "antivirus-2": Advice("clamd.extra finds Test.Evil.UNOFFICIAL", "A scanner of the second stage knows it.", _MALWARE),
    "hypercube": Advice(
        "the file 'x.bin' is 0 bits from 'Test.Family'; near it 20 bad, 0 good",
        "The file's structure is that of a family of malware, and files near it were bad.",
        _MALWARE + " A mistake is taught back: `tamis attachment learn` ([attachments](attachments.md)).",
    ),
    "attachment-hashes": Advice(
        "the file 'invoice.com' is the EICAR test file",
        "The file is on the list of malware. Or it is new, runs, and comes to many at once: then it is spam, and the mode decides.",
        _MALWARE,
    ),
    "bayes": Advice(
        "score 14.545 reaches the level 7.5",
        "Nothing decided by itself, and the sum of everything reaches the level of the domain.",
        "`tamis why ID` has the sum test by test, `tamis scan` the words. A release teaches it as ham; many such mistakes: a higher level.",
        "spam-pills.eml",
    ),
    "spamassassin": Advice(
        "SpamAssassin says 8.3 of 5 (HTML_MESSAGE=0.1,URIBL_BLACK=8.2)",
        "SpamAssassin, if you run it, took it for spam by its own sum.",
        "Its own configuration, or `spamassassin.threshold` ([scanners](scanners.md)).",
    ),
    "cyrillic": Advice(
        "163 Cyrillic characters, the first U+0420",
        "The domain, or the address, has this filter on (it is off by default).",
        "`tamis policy set ADDRESS cyrillic=off` for who writes with such people.",
        "cyrillic.eml",
    ),
    "sinograms": Advice(
        "59 Han characters, the first U+5BB6",
        "As for Cyrillic.",
        "`tamis policy set ADDRESS sinograms=off`.",
        "chinese.eml",
    ),
    "helo": Advice(
        "HELO name localhost is not what the peer 203.0.113.25 is called",
        "The server introduced itself by a name that cannot be, by that of another, or by one of yours.",
        "Its administrator corrects the name (in Postfix `smtp_helo_name`). Until then `whitelist-ip`.",
    ),
}  # fmt: skip


def explanations_page() -> str:
    """Return docs/explanations.md."""
    lines = [
        "# Why a message is held: samples",
        "",
        "<!-- Made by `python -m tests.docs.regenerate` from tests/docs/explanations.py. Do not edit. -->",
        "",
        "For each row that can hold mail, in the documented order: the sentence that its recipient reads in digests and",
        "on the page, in English and French (a digest and a page choose by the recipient's language); the `because` that",
        "an administrator reads in `tamis scan`, `tamis why`, `tamis quarantine show`, the console and `X-Tamis-Verdict`;",
        "what it means, and what to do when it is a mistake. What helps against every mistake is in the",
        "[administrator's guide](administration.md#ham-was-held)",
        "([guide de l'administrateur](administration.fr.md#du-courrier-légitime-est-en-quarantaine)).",
        "",
        "All names and addresses are invented. A row without a sentence of its own says: "
        f"*{reason('', str)}* (*{reason('', catalogue('fr').gettext)}*)",
        "",
        "| row | the recipient reads | le destinataire lit |",
        "|---|---|---|",
    ]
    rows = sorted((BY_NAME[name] for name in REASONS), key=_place)
    for row in rows:
        lines.append(f"| {row.number} [{row.name}](#{_anchor(row)}) | {reason(row.name, str)} | {_french(row)} |")
    for row in rows:
        advice = ADVICE[row.name]
        source = f" (`demo/messages/{advice.sample}`)" if advice.sample else ""
        lines += [
            "",
            f"## {row.number} {row.name}",
            "",
            f"> {reason(row.name, str)}",
            ">",
            f"> {_french(row)}",
            "",
            f"Because{source}: `{advice.because}`",
            "",
            advice.means + (f" {_ALWAYS_HELD[row.judgement]}" if row.always_held else ""),
            "",
            f"**What to do.** {advice.do}",
        ]
    return "\n".join(lines) + "\n"


_ALWAYS_HELD: Final = {
    Judgement.SPAM: "It is held in every mode but observe.",
    Judgement.MALWARE: "Malware is held in every mode but observe.",
}


def _french(row: Row) -> str:
    return reason(row.name, catalogue("fr").gettext)


def _anchor(row: Row) -> str:
    return f"{row.number} {row.name}".replace(" ", "-")


def _place(row: Row) -> int:
    return list(BY_NAME).index(row.name)
