"""The files that a message brings: their names, types and sizes."""

import re
from collections.abc import Iterator
from typing import Final

from tamis.mime import Part
from tamis.traits.family import Family, Measure, Numbers
from tamis.traits.letter import Letter

MEASURES: Final = (
    Measure("FILES", "attachments, images among them", (1, 2, 3, 5)),
    Measure("FILES_KB", "kilobytes of attachments as they were sent", (1, 5, 15, 30, 100, 500)),
    Measure("FILE_NAME_LENGTH", "characters of the longest name of a file", (1, 9, 13, 20, 35)),
    Measure("IMAGE_PARTS", "images attached", (1, 2, 3)),
)
FLAGS: Final = {
    "FILE_KIND_GIF": "a GIF image",
    "FILE_KIND_JPEG": "a JPEG image",
    "FILE_KIND_PNG": "a PNG image",
    "FILE_KIND_PDF": "a PDF document",
    "FILE_KIND_OFFICE": "a document of Word, Excel or PowerPoint",
    "FILE_KIND_ARCHIVE": "an archive",
    "FILE_KIND_TEXT": "a text, a patch or a log",
    "FILE_KIND_HTML": "an HTML page as a file",
    "FILE_KIND_SIGNATURE": "a signature",
    "FILE_KIND_OTHER": "a file whose name has another ending",
    "FILE_NO_NAME": "a part that is no text and has no name",
    "FILE_NAME_DIGITS": "a name of a file that has three digits or more",
    "FILE_NAME_SPACE": "a space in the name of a file",
    "FILE_NAME_CAPITALS": "a name of a file in capitals",
    "FILE_NAME_CONSONANTS": "five consonants in a row in the name of a file",
    "FILE_NAME_DOTS": "two dots in the name of a file",
    "FILE_NAME_IMAGE001": "a name that a mail program gives to images: image001",
    "FILE_NAME_IN_TEXT": "the name of a file is in the text or the Subject",
    "FILE_TYPE_OCTETS": "a file of type application/octet-stream",
    "FILE_DECLARED": "a file declared an attachment",
    "FILE_INLINE": "a file declared inline",
    "FILE_UNDECLARED": "a file without Content-Disposition:",
    "FILE_NAMED_TWICE": "a file named both by Content-Type: and by Content-Disposition:",
    "FILE_SMALL": "a file of less than a kilobyte",
    "FILE_NOT_BASE64": "a file that is not in base64",
    "FILE_IMAGE_BIG": "an image of 10 to 60 kilobytes as it was sent",
    "FILE_IMAGE_ALONE": "one image and fewer than 200 characters of text",
    "FILE_IMAGE_NOT_SHOWN": "an image that the HTML does not show",
    "FILE_ID_OUTLOOK": "Content-ID: with the form of Outlook's",
    "FILE_GIF_ANIMATED": "a GIF with several frames",
    "FILE_GIF_87A": "a GIF of version 87a",
    "FILE_PNG_PHOTO": "a PNG image in 24-bit colours",
    "FILE_TEXT_ATTACHED": "plain text declared an attachment",
}
_ENDINGS: Final = {
    ending: f"FILE_KIND_{kind}"
    for kind, endings in (
        ("GIF", "gif"),
        ("JPEG", "jpg jpeg"),
        ("PNG", "png"),
        ("PDF", "pdf"),
        ("OFFICE", "doc docx xls xlsx ppt pps pptx rtf docm xlsm"),
        ("ARCHIVE", "zip rar gz tgz 7z bz2 tar"),
        ("TEXT", "txt patch diff log c h py pl sh conf diffs out"),
        ("HTML", "htm html shtml"),
        ("SIGNATURE", "asc p7s sig pgp"),
    )
    for ending in endings.split()
}
_CONSONANTS: Final = re.compile(r"[bcdfghjklmnpqrstvwxz]{5,}", re.I)
_GIVEN: Final = re.compile(r"(?:image|att|clip_image|noname|untitled|unknown)\d{0,5}", re.I)


def _look(letter: Letter, numbers: Numbers) -> Iterator[str]:
    files = [part for part in letter.parts if part.filename or not part.content_type.startswith(("text/", "message/"))]
    attached = [part for part in letter.parts if part.disposition == "attachment"]
    if any(part.content_type == "text/plain" for part in attached):
        yield "FILE_TEXT_ATTACHED"
    if not files:
        return
    images = [part for part in files if part.content_type.startswith("image/")]
    numbers["FILES"] = len(files)
    numbers["IMAGE_PARTS"] = len(images)
    numbers["FILES_KB"] = sum(len(part.raw) for part in files) >> 10
    numbers["FILE_NAME_LENGTH"] = max(len(part.filename) for part in files)
    if not letter.asks(FLAGS):
        return
    flags: set[str] = set()
    for part in files[:20]:
        flags.update(_file(part, letter))
    for part in images[:5]:
        flags.update(_image(part))
    yield from flags
    if len(images) == 1 and len(letter.text) < 200:
        yield "FILE_IMAGE_ALONE"
    if images and letter.html and "cid:" not in letter.html_lower:
        yield "FILE_IMAGE_NOT_SHOWN"


def _file(part: Part, letter: Letter) -> Iterator[str]:
    name = part.filename[:200]
    low = name.lower()
    if not name:
        yield "FILE_NO_NAME"
    else:
        ending = low.rpartition(".")[2] if "." in low else ""
        yield _ENDINGS.get(ending, "FILE_KIND_OTHER")
        for flag, found in (
            ("FILE_NAME_DIGITS", sum(map(str.isdigit, name)) > 2),
            ("FILE_NAME_SPACE", " " in name),
            ("FILE_NAME_CAPITALS", name.isupper()),
            ("FILE_NAME_CONSONANTS", _CONSONANTS.search(name) is not None),
            ("FILE_NAME_DOTS", name.count(".") > 1),
            ("FILE_NAME_IMAGE001", _GIVEN.match(name) is not None),
            ("FILE_NAME_IN_TEXT", len(name) > 4 and (low in letter.low or low in letter.subject.lower())),
            ("FILE_NAMED_TWICE", "name" in part.parameters and part.disposition != ""),
        ):
            if found:
                yield flag
    if part.content_type == "application/octet-stream":
        yield "FILE_TYPE_OCTETS"
    if part.disposition == "attachment":
        yield "FILE_DECLARED"
    else:
        yield "FILE_INLINE" if part.disposition == "inline" else "FILE_UNDECLARED"
    if len(part.raw) < 1024:
        yield "FILE_SMALL"
    if part.encoding != "base64":
        yield "FILE_NOT_BASE64"
    if any(
        b"$" in field.value and b"@" in field.value for field in part.fields[:20] if field.name.lower() == b"content-id"
    ):
        yield "FILE_ID_OUTLOOK"


def _image(part: Part) -> Iterator[str]:
    if 10_240 <= len(part.raw) < 61_440:
        yield "FILE_IMAGE_BIG"
    start = part.payload[:65_536]
    if start[:4] == b"GIF8":
        if start[4:6] == b"7a":
            yield "FILE_GIF_87A"
        if start.count(b"\x21\xf9\x04") > 1:
            yield "FILE_GIF_ANIMATED"
    elif start[:4] == b"\x89PNG" and start[25:26] in (b"\x02", b"\x06"):
        yield "FILE_PNG_PHOTO"


FAMILY: Final = Family("files", "attachments, their names and types", _look, MEASURES, FLAGS, kinds=("FILE_KIND_",))
