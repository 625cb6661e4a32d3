"""Row 17: has the message neither text, image nor attachment?

Why it works: empty messages are probes that test which addresses exist, or broken spam runs.
A subject alone is not content here, as in the original. Enclosed messages count as content, so
that a bounce that returns one is not empty. SPEC, section 1, row 17.
"""

import re
from collections.abc import Iterator

from tamis.contract import Context, Filter, Hit, Stage
from tamis.mail import Mail

_CONTENT_MARKUP = re.compile(r"<\s*(?:img|svg|video|audio|object|embed|iframe|input|a)\b", re.I)
_VISIBLE = re.compile(r"[^\s\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\u034f\u115f\u1160\u3164]")


class EmptyMail(Filter):
    name = "empty-mail"
    stage = Stage.MESSAGE
    tests = {"EMPTY_MAIL": "no text, no image and no attachment"}

    def cache_key(self, mail: Mail) -> bytes | None:
        return mail.message.digest

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        message = mail.message
        if message.capped or "message/rfc822" in message.tree.containers:
            return
        for part in message.parts:
            is_content = part.is_attachment or not part.content_type.startswith("text/")
            if is_content and part.payload.strip():
                return
        # What a style hides is text: styles are understood in part only, and this row decides.
        if _VISIBLE.search(message.text) or any(page.hidden for page in message.pages):
            return
        if not any(_CONTENT_MARKUP.search(source) for part, source in message.text_parts):
            yield Hit("EMPTY_MAIL", "no text, no image and no attachment", True)
