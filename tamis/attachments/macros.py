"""The macros of a document: read by the helper, and remembered by the document's hash."""

from typing import Final

import msgspec

from tamis.answers import Answers
from tamis.attachments.archives import Ask
from tamis.attachments.files import Macros
from tamis.attachments.wire import Request

_VERSION: Final = b"1"
_decoder: Final = msgspec.msgpack.Decoder(tuple[tuple[str, ...], tuple[str, ...]])


def read_macros(data: bytes, digest: bytes, ask: Ask, remembered: Answers | None) -> Macros:
    """Return what the macros of an OLE file with that SHA-256 do. Raises what `ask` raises."""
    key = b"tamis:macros:" + _VERSION + digest
    (known,) = remembered.fetch([key]) if remembered else (None,)
    if known is not None:
        try:
            return Macros(*_decoder.decode(known))
        except msgspec.DecodeError:
            pass
    found = ask(Request("macros", data))
    macros = Macros(tuple(found.autoexec), tuple(found.suspicious))
    if remembered and not found.error:
        remembered.remember({key: msgspec.msgpack.encode((macros.autoexec, macros.suspicious))})
    return macros
