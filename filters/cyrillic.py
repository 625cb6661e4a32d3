"""Row 29: are there Cyrillic characters in headers, body or URLs?

Why it works: who never gets mail in Russian, Ukrainian or Bulgarian gets spam in them; hence off by
default. With `ratio`, only a message of which at least that share of letters is Cyrillic decides, so
that one name in a signature does not; then only what a reader sees is looked at. SPEC, section 1, row 29.
"""

import re
from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from tamis.contract import Context, Filter, FilterOptions, Hit, Stage
from tamis.mail import Mail
from tamis.scripts import share, text_for

_CYRILLIC = re.compile(r"[\u0400-\u052f\u1c80-\u1c8f\u1d2b\u1d78\u2de0-\u2dff\ua640-\ua69f]")


class Cyrillic(Filter):
    name = "cyrillic"
    stage = Stage.MESSAGE
    version = 3
    tests = {"CYRILLIC": "Cyrillic characters in headers, body or URLs"}

    class Options(FilterOptions, frozen=True):
        ratio: Annotated[float, Meta(ge=0, le=1)] = 0.0

    def cache_key(self, mail: Mail) -> bytes | None:
        return mail.message.digest

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        text = text_for(mail.message, ctx.options.ratio)
        found = _CYRILLIC.findall(text)
        if found and share(len(found), text) >= ctx.options.ratio:
            yield Hit("CYRILLIC", f"{len(found)} Cyrillic characters, the first U+{ord(found[0]):04X}", True)
