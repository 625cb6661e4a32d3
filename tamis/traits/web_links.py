"""The URLs in a message: how many, where to, and how they are written."""

import re
from collections.abc import Callable, Container, Iterator
from typing import Final

from tamis.traits.family import Family, Measure, Numbers, Table, percent
from tamis.traits.letter import Letter

MEASURES: Final = (
    Measure("URLS", "different URLs", (1, 2, 3, 5, 8, 15, 30)),
    Measure("URL_HOSTS", "different hosts of URLs", (1, 2, 3, 4, 6)),
    Measure("URL_LONGEST", "characters of the longest URL", (10, 25, 35, 50, 80, 150, 400)),
    Measure("URL_LABELS", "labels of the longest host of a URL", (2, 3, 4, 5)),
    Measure("URL_DEPTH", "slashes in the deepest path of a URL", (1, 2, 3, 4, 6)),
    Measure("URL_TEXT_SHARE", "percent of the text that is URLs", (1, 5, 15, 30, 60)),
    Measure("URL_PARAMETERS", "parameters of the URL that has most", (1, 2, 3, 5)),
    Measure("URL_HOST_LENGTH", "characters of the longest host of a URL", (5, 12, 17, 23, 32)),
    Measure("URL_REPEATED_HOST", "URLs of the host that has most", (2, 3, 5, 10, 20)),
)
FLAGS: Final = {
    "URL_TOP_COM": "a URL in com",
    "URL_TOP_NET": "a URL in net",
    "URL_TOP_ORG": "a URL in org",
    "URL_TOP_INFO": "a URL in info or biz",
    "URL_TOP_FRANCE": "a URL in fr, be, ch or ca",
    "URL_TOP_EUROPE": "a URL in uk, de, it, es or nl",
    "URL_TOP_RUSSIA": "a URL in ru, ua or su",
    "URL_TOP_CHINA": "a URL in cn, hk or tw",
    "URL_TOP_SCHOOL": "a URL in edu, gov or mil",
    "URL_TOP_NEW": "a URL in a top-level domain of more than four letters",
    "URL_SECURE": "a URL with https",
    "URL_SECURE_ALL": "all URLs with https",
    "URL_IN_PLAIN": "a URL in plain text",
    "URL_NO_SCHEME": "a URL without scheme: www.example.org",
    "URL_ENDS_SLASH": "a URL that is a host and a slash",
    "URL_ENDS_HOST": "a URL that is a host and nothing else",
    "URL_FILE_PHP": "a URL of a PHP page",
    "URL_FILE_ASP": "a URL of an ASP page",
    "URL_FILE_CGI": "a URL of a CGI program",
    "URL_FILE_HTML": "a URL of an HTML page",
    "URL_FILE_IMAGE": "a URL of an image",
    "URL_FILE_DOCUMENT": "a URL of a document or an archive",
    "URL_QUESTION_ALONE": "a URL whose parameters follow the host at once",
    "URL_NUMBER_PARAMETER": "a URL with a number as parameter",
    "URL_TOKEN": "a URL with a token of 20 letters and digits or more",
    "URL_TOKEN_LONG": "a URL with a token of 60 letters and digits or more",
    "URL_ADDRESS_INSIDE": "a URL with a mail address in it",
    "URL_RECIPIENT_INSIDE": "a URL with the local part of the recipient in it",
    "URL_SUBJECT_WORD": "a word of the Subject in the host of a URL",
    "URL_ESCAPED": "a URL with percent-encoded octets",
    "URL_ESCAPED_LETTER": "a URL with percent-encoded letters, which need none",
    "URL_FRAGMENT": "a URL with a fragment",
    "URL_URL_INSIDE": "a URL within a URL",
    "URL_HOST_CAPITALS": "a host of a URL with capitals",
    "URL_HOST_DIGITS": "two digits or more in the name of a host of a URL",
    "URL_HOST_DIGIT_FIRST": "a host of a URL that begins with a digit",
    "URL_HOST_HYPHEN": "a hyphen in the host of a URL",
    "URL_HOST_HYPHENS": "two hyphens or more in the host of a URL",
    "URL_HOST_CONSONANTS": "five consonants in a row in the host of a URL",
    "URL_HOST_SHORT": "a registered name of three letters or fewer in the host of a URL",
    "URL_HOST_WWW": "a host of a URL that begins with www.",
    "URL_HOST_NO_WWW": "a URL to a name with two labels",
    "URL_HOST_IMAGES": "a host of a URL whose first label speaks of images or media",
    "URL_HOST_CLICK": "a host of a URL whose first label speaks of clicks, links or mail",
    "URL_HOST_SECURE": "a host of a URL that speaks of security or accounts",
    "URL_AUTHOR": "a URL to the author's domain",
    "URL_AUTHOR_ALL": "all URLs to the author's domain",
    "URL_AUTHOR_NONE": "URLs, and none to the author's domain",
    "URL_TRACKED": "a URL with the parameters of a campaign",
    "URL_UNSUBSCRIBE": "a URL that speaks of unsubscribing",
    "URL_REMOVE": "a URL that speaks of removing or opting out",
    "URL_CLICK": "a URL that speaks of clicks or of tracking",
    "URL_VIEW": "a URL that speaks of viewing or opening",
    "URL_LOGIN": "a URL that speaks of logging in, verifying or accounts",
    "URL_ORDER": "a URL that speaks of ordering, buying or a cart",
    "URL_TILDE": "a URL with a tilde: a person's pages",
    "URL_ARCHIVE": "a URL of a mailing list's pages",
    "URL_STANDARD": "a URL of w3.org, as HTML has in its first line",
    "URL_SOCIAL": "a URL of a social network",
    "URL_LAST_LINE": "the last line of the text is a URL",
    "URL_ONLY": "one URL, and fewer than 100 characters of text",
    "URL_MAILTO": "a link that writes a mail",
    "URL_MAILTO_SUBJECT": "a link that writes a mail with a Subject",
    "URL_LINK_HERE": "a link to click on here",
    "URL_LINK_CAPITALS": "a link whose text is in capitals",
    "URL_LINK_IS_TEXT": "a link whose text is its URL",
}
_TOPS: Final = {
    top: flag
    for tops, flag in (
        ("com", "COM"),
        ("net", "NET"),
        ("org", "ORG"),
        ("info biz", "INFO"),
        ("fr be ch ca", "FRANCE"),
        ("uk de it es nl", "EUROPE"),
        ("ru ua su", "RUSSIA"),
        ("cn hk tw", "CHINA"),
        ("edu gov mil", "SCHOOL"),
    )
    for top in tops.split()
}
_PATH: Final = re.compile(r"[a-z0-9/_-]{20,}")
_TOKEN: Final = re.compile(r"[a-z0-9_-]{20,}")
_DIGIT: Final = re.compile(r"\d")
_TOKEN_LONG: Final = re.compile(r"[a-z0-9_=-]{60,}")
_CONSONANTS: Final = re.compile(r"(?<!w)[bcdfghjklmnpqrstvxz]{5,}")
_LETTER_ESCAPED: Final = re.compile(r"%(?:[46][1-9a-f]|[57][0-9a])", re.I)
_NUMBER: Final = re.compile(r"[?&/]\w{1,20}=\d{2,}")
_FILES: Final = Table(
    ("URL_FILE_PHP", re.compile(r"\.php\d?(?=[?/#\n]|$)", re.I)),
    ("URL_FILE_ASP", re.compile(r"\.aspx?(?=[?/#\n]|$)", re.I)),
    ("URL_FILE_CGI", re.compile(r"\.(?:cgi|pl|dll)(?=[?/#\n]|$)|/cgi-bin/", re.I)),
    ("URL_FILE_HTML", re.compile(r"\.html?(?=[?/#\n]|$)", re.I)),
    ("URL_FILE_IMAGE", re.compile(r"\.(?:gif|jpe?g|png)(?=[?/#\n]|$)", re.I)),
    ("URL_FILE_DOCUMENT", re.compile(r"\.(?:pdf|docx?|zip|gz|tgz|exe|ppt|rar)(?=[?/#\n]|$)", re.I)),
)
_SPEAKS: Final = Table(
    ("URL_TRACKED", "utm_"),
    ("URL_TRACKED", "campaign"),
    ("URL_UNSUBSCRIBE", "unsub"),
    ("URL_UNSUBSCRIBE", "desinscri"),
    ("URL_UNSUBSCRIBE", "desabonn"),
    ("URL_REMOVE", "remove"),
    ("URL_REMOVE", "optout"),
    ("URL_REMOVE", "opt-out"),
    ("URL_CLICK", "click"),
    ("URL_CLICK", "track"),
    ("URL_CLICK", "redir"),
    ("URL_VIEW", "view"),
    ("URL_VIEW", "open"),
    ("URL_LOGIN", "login"),
    ("URL_LOGIN", "signin"),
    ("URL_LOGIN", "verif"),
    ("URL_LOGIN", "account"),
    ("URL_ORDER", "order"),
    ("URL_ORDER", "buy"),
    ("URL_ORDER", "cart"),
    ("URL_ORDER", "shop"),
    ("URL_TILDE", "/~"),
    ("URL_ARCHIVE", "listinfo"),
    ("URL_ARCHIVE", "mailman"),
    ("URL_ARCHIVE", "/archive"),
    ("URL_STANDARD", "w3.org"),
    ("URL_SOCIAL", "facebook.com"),
    ("URL_SOCIAL", "twitter.com"),
    ("URL_SOCIAL", "linkedin.com"),
    ("URL_SOCIAL", "instagram.com"),
    ("URL_SOCIAL", "youtube.com"),
)
_HERE: Final = re.compile(r"\b(?:click|here|cliquez|ici)\b", re.I)
_IMAGES: Final = ("img", "image", "images", "pics", "media", "static", "cdn", "assets", "graphics", "i")
_CLICKS: Final = ("click", "clicks", "link", "links", "track", "email", "mail", "go", "e", "t", "r", "news", "url")


def _look(letter: Letter, numbers: Numbers) -> Iterator[str]:
    if letter.html:
        yield from _markup(letter)
    urls, hosts = letter.urls, letter.hosts
    if not urls:
        return
    joined = "\n".join(urls)
    low = joined.lower()
    numbers["URLS"] = len(urls)
    numbers["URL_LONGEST"] = max(map(len, urls))
    numbers["URL_DEPTH"] = max(url.count("/") for url in urls) - 2
    if "URL_PARAMETERS" in letter.asked:
        numbers["URL_PARAMETERS"] = max(url.count("=") for url in urls)
    numbers["URL_TEXT_SHARE"] = percent(sum(len(url) for url in urls if url in letter.text), len(letter.text))
    yield from _hosts(letter, [host for host in hosts if host], numbers)
    yield from {flag for flag, word in _SPEAKS.of(letter) if word in low}
    yield from (flag for flag, pattern in _FILES.of(letter) if pattern.search(low))
    yield from _written(letter, urls, joined, low)


def _hosts(letter: Letter, hosts: list[str], numbers: Numbers) -> Iterator[str]:
    if not hosts:
        return
    distinct = dict.fromkeys(hosts)
    numbers["URL_HOSTS"] = len(distinct)
    numbers["URL_LABELS"] = max(host.count(".") for host in distinct) + 1
    numbers["URL_HOST_LENGTH"] = max(map(len, distinct))
    numbers["URL_REPEATED_HOST"] = max(map(hosts.count, distinct)) if len(distinct) < 30 else 2
    words = [word.lower() for word in letter.subject_words if len(word) > 4][:20]
    author = ".".join(letter.domain.split(".")[-2:])
    asked, own = letter.asked, 0
    flags: set[str] = set()
    for host in distinct:
        labels = host.split(".")
        top = labels[-1]
        if top in _TOPS:
            flags.add(f"URL_TOP_{_TOPS[top]}")
        elif len(top) > 4 and top.isalpha():
            flags.add("URL_TOP_NEW")
        own += bool(author) and host.endswith(author)
        flags.update(_host(host, labels, asked))
        if any(word in host for word in words):
            flags.add("URL_SUBJECT_WORD")
    if author:
        flags.add("URL_AUTHOR" if own else "URL_AUTHOR_NONE")
        if own == len(distinct):
            flags.add("URL_AUTHOR_ALL")
    yield from flags


def _host(host: str, labels: list[str], asked: Container[str]) -> Iterator[str]:
    named = labels[-1].isalpha()
    if named and sum(map(str.isdigit, host)) > 1:
        yield "URL_HOST_DIGITS"
    if named and host[0].isdigit():
        yield "URL_HOST_DIGIT_FIRST"
    if "-" in host:
        yield "URL_HOST_HYPHEN"
        if host.count("-") > 1:
            yield "URL_HOST_HYPHENS"
    if "URL_HOST_CONSONANTS" in asked and _CONSONANTS.search(host):
        yield "URL_HOST_CONSONANTS"
    if len(labels) > 1 and len(labels[-2]) <= 3 and named:
        yield "URL_HOST_SHORT"
    if labels[0] == "www":
        yield "URL_HOST_WWW"
    elif len(labels) == 2:
        yield "URL_HOST_NO_WWW"
    elif labels[0] in _IMAGES:
        yield "URL_HOST_IMAGES"
    elif labels[0] in _CLICKS:
        yield "URL_HOST_CLICK"
    if "URL_HOST_SECURE" in asked and ("secur" in host or "account" in host or "login" in host or "verif" in host):
        yield "URL_HOST_SECURE"


def has_token(text: str) -> bool:
    """Whether 20 letters, digits, hyphens or underscores stand together, with a digit in or after them in a path."""
    for path in _PATH.finditer(text):
        token = _TOKEN.search(path[0])
        if token and _DIGIT.search(path[0], token.start()):
            return True
    return False


def _written(letter: Letter, urls: tuple[str, ...], joined: str, low: str) -> Iterator[str]:
    asked = letter.asked
    if "https://" in low:
        yield "URL_SECURE"
        if "URL_SECURE_ALL" in asked and all(url[:8].lower() == "https://" for url in urls):
            yield "URL_SECURE_ALL"
    if low.startswith("www.") or "\nwww." in low:
        yield "URL_NO_SCHEME"
    for flag, found in (
        ("URL_ENDS_HOST", 2 in [url.count("/") for url in urls]),
        ("URL_ADDRESS_INSIDE", "@" in joined or "%40" in joined),
        ("URL_ESCAPED", "%" in joined),
        ("URL_FRAGMENT", "#" in joined),
        ("URL_ONLY", len(urls) == 1 and len(letter.text) < 100 + len(urls[0])),
    ):
        if found:
            yield flag
    yield from [flag for flag, holds in _OF_EACH.of(letter) if any(map(holds, urls))]
    if "URL_NUMBER_PARAMETER" in asked and "=" in joined and _NUMBER.search(joined):
        yield "URL_NUMBER_PARAMETER"
    if "URL_TOKEN" in asked and has_token(low):
        yield "URL_TOKEN"
    if "URL_TOKEN_LONG" in asked and len(max(urls, key=len)) >= 60 and _TOKEN_LONG.search(low):
        yield "URL_TOKEN_LONG"
    if "URL_ESCAPED_LETTER" in asked and "%" in joined and _LETTER_ESCAPED.search(joined):
        yield "URL_ESCAPED_LETTER"
    if "text/plain" in letter.types and "://" in letter.text:
        yield "URL_IN_PLAIN"
    if "URL_RECIPIENT_INSIDE" in asked:
        recipient = letter.boxes[0][1].partition("@")[0] if letter.boxes else ""
        if len(recipient) > 3 and recipient in low:
            yield "URL_RECIPIENT_INSIDE"
    last = letter.text.rstrip()[-200:].rpartition("\n")[2].strip()
    if last.startswith(("http", "www.")) and " " not in last:
        yield "URL_LAST_LINE"


_OF_EACH: Final[Table[tuple[str, Callable[[str], bool]]]] = Table(
    ("URL_ENDS_SLASH", lambda url: url.count("/") == 3 and url[-1] == "/"),
    ("URL_QUESTION_ALONE", lambda url: "?" in url[:60] and url.count("/", 0, url.index("?")) < 4),
    ("URL_HOST_CAPITALS", lambda url: url[8:18].lower() != url[8:18] and url[8:18].isupper()),
    ("URL_URL_INSIDE", lambda url: "http" in url[8:]),
)


def _markup(letter: Letter) -> Iterator[str]:
    low, asked = letter.html_lower, letter.asked
    if ("URL_MAILTO" in asked or "URL_MAILTO_SUBJECT" in asked) and "mailto:" in low:
        yield "URL_MAILTO"
        if "?subject=" in low:
            yield "URL_MAILTO_SUBJECT"
    if not ("URL_LINK_HERE" in asked or "URL_LINK_CAPITALS" in asked or "URL_LINK_IS_TEXT" in asked):
        return
    anchors = [anchor for page in letter.message.pages for anchor in page.anchors[:30]]
    texts = [(anchor.text, anchor.href) for anchor in anchors[:50]]
    if any(_HERE.search(text[:80]) for text, _ in texts):
        yield "URL_LINK_HERE"
    if any(len(text) > 4 and text.isupper() for text, _ in texts):
        yield "URL_LINK_CAPITALS"
    if any(text and text in (href, href.partition("://")[2]) for text, href in texts):
        yield "URL_LINK_IS_TEXT"


FAMILY: Final = Family(
    "links", "the URLs, their hosts and how they are written", _look, MEASURES, FLAGS, kinds=("URL_TOP_", "URL_FILE_")
)
