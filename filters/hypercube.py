"""Row 25: is an attachment near a known bad family?

Why it works: malware is changed a little from wave to wave, so that no hash knows it, and hardly more, since that
costs work. A reading of our own of what the original calls its hypercube: each file that can do harm gets a vertex of
a binary hypercube, 256 bits made of its static features (`tamis.attachments.sketch`), and files that are alike get
vertices that differ in few bits. Vertices count how often they were bad and good: bad where rows 1, 24 or 26 found
malware in them, or a person said so (`tamis attachment learn`, `block`); good where a person said so, or once for each
day on which mail with it was let through. The row decides where nine of ten counts within the radius are bad.
SPEC, section 1, row 25.

Files that are nearly identical by their nature (PDF, HTML and such of one program) must be nearer, must have been bad
more often, and never good. Images and plain documents are not asked about.
"""

from collections.abc import Iterator

from tamis.contract import Abstain, Context, Filter, Hit, Stage
from tamis.mail import Mail


class Hypercube(Filter):
    name = "hypercube"
    stage = Stage.MESSAGE
    tests = {
        "NEAR_MALWARE": "a file is near a known bad family",
        "NEAR_MALWARE_DOUBTFUL": "a file is near a known bad family, and near good ones",
    }

    def check(self, mail: Mail, ctx: Context) -> Iterator[Hit]:
        if not ctx.known_files.vertices:
            return
        sketches = ctx.attachments.sketches
        doubtful = None
        for file in ctx.attachments.files:
            near = ctx.known_files.near(sketches[file.digest], file.kind) if file.digest in sketches else None
            if near is None:
                continue
            counts = f"{near.distance} bits from {near.family!r}; near it {near.bad} bad, {near.good} good"
            if near.is_bad(file.kind):
                yield Hit("NEAR_MALWARE", f"{file.label} is {counts}", decides=True)
                return
            doubtful = doubtful or Hit("NEAR_MALWARE_DOUBTFUL", f"{file.label} is {counts}")
        if doubtful:
            yield doubtful
        elif mail.message.capped:
            raise Abstain("a cap kept some parts from being looked at")
