"""Why a message is held, in words for whoever it was sent to: one sentence for each row that can decide."""

from collections.abc import Callable
from typing import Final


def N_(text: str) -> str:  # noqa: N802 (the name by which texts are found that are translated later)
    return text


REASONS: Final = {
    "antivirus-1": N_("A virus scanner knows it as malware."),
    "spf": N_("The sender's domain says that the server that sent this may not send its mail. The name may be forged."),
    "sender-complaint": N_("Others have complained of this sender, or an official list names it."),
    "blacklisted-ip": N_("The server that sent this is on a blacklist."),
    "blacklisted-sender": N_("The sender is on a blacklist."),
    "reverse-dns": N_("The server that sent this has no name in the DNS. Honest mail servers have one."),
    "missing-sender": N_("The message does not say who wrote it."),
    "same-sender-recipient": N_("It pretends to come from your own address."),
    "honeypot": N_("It was sent to addresses that only spammers know."),
    "ip-complaint": N_("Others have complained of the server that sent this."),
    "invalid-mx": N_("No answer could reach the sender: its domain takes no mail."),
    "maps-rbl": N_("Most of the lists of known spammers that were asked name the server or the domain of the sender."),
    "empty-mail": N_("It is empty: no text, no image, no attachment."),
    "keywords": N_("Its words are those of known spam."),
    "regex-logic": N_("It has several marks of known spam at once."),
    "ocr": N_("An image in it is known from spam, or says what spam says."),
    "mail-checksum": N_("The same message was sent to very many people at the same time."),
    "surbl": N_("It has links to places that lists of known spammers name."),
    "antivirus-2": N_("A virus scanner knows it as malware."),
    "hypercube": N_("An attachment is very much like known malware."),
    "attachment-hashes": N_("An attachment is known to be dangerous, or is a new program sent to many people at once."),
    "bayes": N_("As a whole it looks like spam: its words, its links and how it is made."),
    "spamassassin": N_("Another spam filter, SpamAssassin, takes it for spam."),
    "cyrillic": N_("It has Cyrillic letters, which your domain does not want."),
    "sinograms": N_("It has Chinese characters, which your domain does not want."),
    "helo": N_("The server that sent this gave a name that is wrong, or not its own."),
}
_OTHER: Final = N_("A filter took it for spam.")


def reason(row_name: str, gettext: Callable[[str], str]) -> str:
    """Return why a row's decision holds a message, in the language of `gettext`."""
    return gettext(REASONS.get(row_name, _OTHER))
