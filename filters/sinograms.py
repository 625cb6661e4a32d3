"""Row 30: are there Han characters (and, by option, Kana or Hangul) in headers, body or URLs?

Why it works: as row 29, for Chinese, Japanese and Korean; off by default. `ratio` as there.
SPEC, section 1, row 30.
"""

import re
from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from tamis.contract import Context, Filter, FilterOptions, Hit, Stage
from tamis.mail import Mail
from tamis.scripts import share, text_for

_HAN = re.compile(
    r"[\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]"
)
_KANA = re.compile(r"[\u3041-\u3096\u30a1-\u30fa\u31f0-\u31ff\uff66-\uff9d]")
_HANGUL = re.compile(r"[\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7af]")


class Sinograms(Filter):
    name = "sinograms"
    stage = Stage.MESSAGE
    version = 3
    tests = {
        "SINOGRAMS": "Han characters in headers, body or URLs",
        "KANA": "Japanese Kana in headers, body or URLs",
        "HANGUL": "Korean Hangul in headers, body or URLs",
    }

    class Options(FilterOptions, frozen=True):
        ratio: Annotated[float, Meta(ge=0, le=1)] = 0.0
        kana: bool = False
        hangul: bool = False

    def cache_key(self, mail: Mail) -> bytes | None:
        return mail.message.digest

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        text = text_for(mail.message, ctx.options.ratio)
        scripts = [("SINOGRAMS", "Han", _HAN)]
        if ctx.options.kana:
            scripts.append(("KANA", "Kana", _KANA))
        if ctx.options.hangul:
            scripts.append(("HANGUL", "Hangul", _HANGUL))
        for test, script, pattern in scripts:
            found = pattern.findall(text)
            if found and share(len(found), text) >= ctx.options.ratio:
                yield Hit(test, f"{len(found)} {script} characters, the first U+{ord(found[0]):04X}", True)
