"""Which program wrote the message, by what it says and by what it does: forged ones say one thing and do another."""

import re
from collections.abc import Iterator
from typing import Final

from tamis.traits.family import Family, Measure, Numbers
from tamis.traits.letter import Letter

MEASURES: Final = (Measure("MAILER_LENGTH", "characters of X-Mailer: or User-Agent:", (1, 10, 20, 32, 50)),)
_PRODUCTS: Final = (
    ("X_MAILER_OUTLOOK_EXPRESS", "microsoft outlook express", "Outlook Express"),
    ("X_MAILER_OUTLOOK", "outlook", "Outlook"),
    ("X_MAILER_EXCHANGE", "internet mail service", "an Exchange server"),
    ("X_MAILER_CDO", "cdo", "CDO, the mailer of Windows scripts"),
    ("X_MAILER_THE_BAT", "the bat", "The Bat!"),
    ("X_MAILER_EUDORA", "eudora", "Eudora"),
    ("X_MAILER_APPLE", "apple mail", "Apple Mail"),
    ("X_MAILER_FOXMAIL", "foxmail", "Foxmail"),
    ("X_MAILER_EVOLUTION", "evolution", "Evolution"),
    ("X_MAILER_GIT", "git-send-email", "git"),
)
_AGENTS: Final = (
    ("AGENT_THUNDERBIRD", "thunderbird", "Thunderbird"),
    ("AGENT_MUTT", "mutt", "mutt"),
    ("AGENT_KMAIL", "kmail", "KMail"),
    ("AGENT_WEBMAIL", "squirrelmail", "a web mailer"),
    ("AGENT_WEBMAIL", "imp", "a web mailer"),
    ("AGENT_WEBMAIL", "webmail", "a web mailer"),
    ("AGENT_WEBMAIL", "web mail", "a web mailer"),
    ("AGENT_PHP", "php", "a PHP program"),
    ("AGENT_PINE", "pine", "Pine"),
    ("AGENT_MOZILLA", "mozilla", "Mozilla or Netscape"),
    ("AGENT_LOTUS", "lotus", "Lotus Notes"),
    ("AGENT_EMACS", "emacs", "a mail program in Emacs"),
    ("AGENT_BULK", "strongmail", "a program for mailings"),
    ("AGENT_BULK", "accucast", "a program for mailings"),
    ("AGENT_BULK", "mailer [", "a program for mailings"),
    ("AGENT_BULK", "campaign", "a program for mailings"),
    ("AGENT_BULK", "list", "a program for mailings"),
)
FLAGS: Final = {
    **{flag: f"the mail program says it is {name}" for flag, _, name in (*_PRODUCTS, *_AGENTS)},
    "OE_VERSION_2600": "X-Mailer: is the Outlook Express of Windows XP as it came",
    "OE_VERSION_2800": "X-Mailer: is the Outlook Express of Internet Explorer 6 SP1",
    "OE_VERSION_2900": "X-Mailer: is the Outlook Express of Windows XP SP2",
    "OE_VERSION_3138": "X-Mailer: is the Outlook Express of 2007",
    "OE_VERSION_5": "X-Mailer: is Outlook Express 5",
    "OUTLOOK_BUILD": "X-Mailer: is Outlook with its build",
    "OUTLOOK_OFFICE": "X-Mailer: is Outlook of Office 2003 or later",
    "MIMEOLE_ALONE": "X-MimeOLE: without a mailer of Microsoft's",
    "MIMEOLE_DIFFERS": "X-MimeOLE: and X-Mailer: are of different versions",
    "OE_NO_MIMEOLE": "X-Mailer: is Outlook's and there is no X-MimeOLE:",
    "OE_NO_PRIORITY": "X-Mailer: is Outlook's and there is no X-Priority:",
    "OE_ID_NOT_ITS_OWN": "X-Mailer: is Outlook's and Message-ID: has not its form",
    "OE_BOUNDARY_NOT_ITS_OWN": "X-Mailer: is Outlook's and the boundary has not its form",
    "ID_OUTLOOK_OTHER_MAILER": "Message-ID: has the form of Outlook's and the mailer is another",
    "BOUNDARY_OUTLOOK_OTHER_MAILER": "the boundary has the form of Outlook's and the mailer is another",
    "MAILER_AND_AGENT": "both X-Mailer: and User-Agent:",
    "MAILER_NONE": "neither X-Mailer: nor User-Agent:",
    "MAILER_NO_DIGIT": "the mail program has no version",
    "MAILER_ONE_WORD": "the mail program is one word of letters",
    "MAILER_URL": "the mail program says where on the web it comes from",
    "MAILER_BRACKETS": "the mail program has something in square brackets",
    "MAILER_WINDOWS": "the mail program says that it runs on Windows",
    "MAILER_UNIX": "the mail program says that it runs on X11, Linux or a Unix",
    "MAILER_MAC": "the mail program says that it runs on a Macintosh",
    "THREAD_INDEX_NO_OUTLOOK": "Thread-Index: without a mailer of Microsoft's",
    "SENT_BY_SCRIPT": "the header tells of a script on a web server",
    "LEFT_FROM_WEBMAIL": "the header tells of a web mailer and of the address it was used from",
}
_BUILD: Final = re.compile(r"build 1\d\.0\.\d+", re.I)
_VERSION: Final = re.compile(r"v?(\d+\.\d+(?:\.\d+)*)", re.I)


def _look(letter: Letter, numbers: Numbers) -> Iterator[str]:
    mailer, agent = letter.field("x-mailer"), letter.field("user-agent")
    said = (mailer or agent)[:200]
    low = said.lower()
    numbers["MAILER_LENGTH"] = len(said)
    if mailer and agent:
        yield "MAILER_AND_AGENT"
    if not said:
        yield "MAILER_NONE"
    else:
        yield from _product(said, low)
    yield from _microsoft(letter, low)
    has = letter.has
    if "x-source-args" in has or "x-php-script" in has or "x-php-originating-script" in has:
        yield "SENT_BY_SCRIPT"
    if "x-originating-ip" in has or "x-originating-email" in has or "x-webmail-user" in has:
        yield "LEFT_FROM_WEBMAIL"


def _product(said: str, low: str) -> Iterator[str]:
    for products in (_PRODUCTS, _AGENTS):
        flag = next((flag for flag, word, _ in products if word in low), None)
        if flag:
            yield flag
    if not any(map(str.isdigit, said)):
        yield "MAILER_NO_DIGIT"
    if said.isalpha():
        yield "MAILER_ONE_WORD"
    if "http" in low or "www." in low:
        yield "MAILER_URL"
    if "[" in low:
        yield "MAILER_BRACKETS"
    if "windows" in low or "win32" in low:
        yield "MAILER_WINDOWS"
    elif "x11" in low or "linux" in low or "unix" in low:
        yield "MAILER_UNIX"
    elif "macintosh" in low or "apple" in low or "mac os" in low:
        yield "MAILER_MAC"


def _microsoft(letter: Letter, low: str) -> Iterator[str]:
    outlook = "microsoft outlook" in low or "microsoft office outlook" in low
    ole = letter.field("x-mimeole")
    message_id = letter.field("message-id").partition("@")[0]
    boundary = letter.field("content-type").partition("boundary=")[2].strip('" ')
    if outlook:
        version = _VERSION.search(low)
        number = version[1] if version else ""
        if "express" in low:
            if number.startswith("6.00."):
                build = number.split(".")[2]
                if build in ("2600", "2800", "2900", "3138"):
                    yield f"OE_VERSION_{build}"
            elif number.startswith("5."):
                yield "OE_VERSION_5"
        elif _BUILD.search(low):
            yield "OUTLOOK_BUILD"
        if "office outlook" in low:
            yield "OUTLOOK_OFFICE"
        if not ole:
            yield "OE_NO_MIMEOLE"
        elif number and number.startswith("6.") and number.rpartition(".")[0] not in ole:
            yield "MIMEOLE_DIFFERS"
        if "x-priority" not in letter.has:
            yield "OE_NO_PRIORITY"
        if message_id.count("$") != 2:
            yield "OE_ID_NOT_ITS_OWN"
        if boundary and not boundary.startswith("----=_NextPart_"):
            yield "OE_BOUNDARY_NOT_ITS_OWN"
    elif "microsoft" not in low:
        if ole:
            yield "MIMEOLE_ALONE"
        if message_id.count("$") == 2:
            yield "ID_OUTLOOK_OTHER_MAILER"
        if boundary.startswith("----=_NextPart_"):
            yield "BOUNDARY_OUTLOOK_OTHER_MAILER"
        if "thread-index" in letter.has:
            yield "THREAD_INDEX_NO_OUTLOOK"


FAMILY: Final = Family(
    "mail programs",
    "what the mail program says it is, and whether the rest of the header agrees",
    _look,
    MEASURES,
    FLAGS,
    kinds=("X_MAILER_", "AGENT_", "OE_VERSION_"),
    of_the_header=True,
)
