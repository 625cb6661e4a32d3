"""Row 17b: is a file attached whose kind the domain does not want?

Why it works: some kinds of file (disk images, shortcuts, scripts) are hardly ever sent between people,
and are often sent by malware. The name is what the recipient's system goes by when it opens the file
(RFC 2183, section 2.3).
"""

from collections.abc import Iterator

from tamis.contract import Abstain, Context, Filter, FilterOptions, Hit, Stage
from tamis.mail import Mail


class UnwantedFiles(Filter):
    name = "unwanted-files"
    stage = Stage.MESSAGE
    tests = {"UNWANTED_FILE": "a file is attached whose kind the domain does not want"}

    class Options(FilterOptions, frozen=True):
        endings: tuple[str, ...] = (".iso", ".lnk", ".vbs")

    def cache_key(self, mail: Mail) -> bytes | None:
        return mail.message.digest

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        for part in mail.message.parts:
            if part.filename.lower().endswith(ctx.options.endings):
                yield Hit("UNWANTED_FILE", f"the file {part.filename!r} is attached", decides=True)
                return
        if mail.message.capped:
            raise Abstain("a cap kept some parts from being looked at")
