"""What files say for the score: the named tests of row 26 that are no decision.

The amounts are set by hand and modest: files of mail with the malware still in them are not to be had, so nothing
could learn them. What honest mail has of each is measured in docs/attachments.md.
"""

from collections.abc import Iterator
from typing import Final

from tamis.attachments import names
from tamis.attachments.attachments import Attachments
from tamis.attachments.files import File
from tamis.attachments.kinds import is_disguised
from tamis.contract import Hit

TESTS: Final = {
    "EXECUTABLE_ATTACHED": "a file is attached that runs when it is opened",
    "EXECUTABLE_IN_ARCHIVE": "an archive holds a file that runs when it is opened",
    "EXECUTABLE_ENCRYPTED": "an encrypted archive holds a file whose name says that it runs",
    "DOUBLE_ENDING": "a harmless ending stands before one that runs: invoice.pdf.exe",
    "REVERSED_NAME": "a right-to-left override turns a part of a file's name round",
    "PADDED_NAME": "white space in a file's name hides its ending",
    "DISGUISED_TYPE": "a file is of another type than its name or the message says, and of a worse one",
    "ARCHIVE_ENCRYPTED": "an archive or a document is encrypted",
    "ARCHIVE_BOMB": "an archive expands beyond all measure",
    "ARCHIVE_DEEP": "archives stand within archives, too many to open",
    "ARCHIVE_NOT_READ": "an archive was not read, or not to its end",
    "MACROS": "an Office document has macros",
    "MACROS_AUTOEXEC": "macros start by themselves",
    "MACROS_SUSPICIOUS": "macros start by themselves, and use what downloads, writes or runs",
    "MACROS_NOT_READ": "macros were not read",
}

AMOUNTS: Final = {
    "EXECUTABLE_ATTACHED": 1.5,
    "EXECUTABLE_IN_ARCHIVE": 2.0,
    "EXECUTABLE_ENCRYPTED": 2.5,
    "DOUBLE_ENDING": 2.5,
    "REVERSED_NAME": 2.5,
    "PADDED_NAME": 2.0,
    "DISGUISED_TYPE": 1.5,
    "ARCHIVE_ENCRYPTED": 0.5,
    "ARCHIVE_BOMB": 2.0,
    "ARCHIVE_DEEP": 1.0,
    "MACROS": 0.5,
    "MACROS_AUTOEXEC": 1.0,
    "MACROS_SUSPICIOUS": 1.5,
}
"""Score points; a test that is not here weighs nothing."""


def evidence(attachments: Attachments) -> Iterator[Hit]:
    """Yield each test that some file hits, once, with the first such file as its ground."""
    found: dict[str, str] = {}
    for file in attachments.files:
        for name, because in _of(file):
            found.setdefault(name, because)
    looked = attachments.found
    sentences = {
        "ARCHIVE_BOMB": looked.bombs,
        "ARCHIVE_DEEP": looked.deep,
        "ARCHIVE_NOT_READ": looked.unread,
        "MACROS_NOT_READ": looked.macros_unread,
    }
    found |= {name: said[0] for name, said in sentences.items() if said}
    for name in TESTS:
        if name in found:
            yield Hit(name, found[name], amount=AMOUNTS.get(name, 0.0))


def _of(file: File) -> Iterator[tuple[str, str]]:
    if file.runs:
        if not file.inside:
            yield "EXECUTABLE_ATTACHED", f"{file.label} runs when it is opened ({file.kind})"
        elif file.encrypted:
            yield "EXECUTABLE_ENCRYPTED", f"{file.label} is encrypted, and runs when it is opened"
        else:
            yield "EXECUTABLE_IN_ARCHIVE", f"{file.label} runs when it is opened ({file.kind})"
    if file.encrypted and not file.inside:
        yield "ARCHIVE_ENCRYPTED", f"{file.label} is encrypted"
    if names.is_double(file.name):
        yield "DOUBLE_ENDING", f"{file.label} has two endings, of which the last one runs"
    if names.is_reversed(file.name):
        yield "REVERSED_NAME", f"the name of {file.label} is turned round"
    if names.is_padded(file.name):
        yield "PADDED_NAME", f"white space hides the ending of {file.label}"
    if file.attached and is_disguised(file.kind, file.name, file.declared):
        yield "DISGUISED_TYPE", f"{file.label} is of type {file.kind}"
    if file.macros is not None:
        macros = file.macros
        yield "MACROS", f"{file.label} has macros"
        if macros.autoexec:
            yield "MACROS_AUTOEXEC", f"macros of {file.label} start by {', '.join(macros.autoexec)}"
        if macros.autoexec and macros.suspicious:
            yield "MACROS_SUSPICIOUS", f"macros of {file.label} use {', '.join(macros.suspicious)}"
