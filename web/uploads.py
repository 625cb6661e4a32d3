"""A form with one file (multipart/form-data, RFC 7578), read whole, within bounds, and strictly: browsers write it so.

The file's name is its sender's: it is text to show, never a path.
"""

import re
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request

from tamis import limits
from tamis.web.forms import Form

_BOUNDARY: Final = re.compile(r"multipart/form-data;[ \t]*boundary=\"?([0-9A-Za-z'()+_,./:=?-]{1,70})\"?[ \t]*", re.I)
_DISPOSITION: Final = re.compile(rb"^content-disposition:[ \t]*form-data[ \t]*(;[^\r\n]*)$", re.I | re.M)
_PARAMETER: Final = re.compile(rb';[ \t]*(name|filename)="([^"]*)"', re.I)
_HEAD_BYTES: Final = 4096
_FIELDS: Final = 20


class Upload(Form):
    """The fields of such a form, and its file."""

    def __init__(self, fields: dict[str, list[str]], file: bytes, file_name: str) -> None:
        super().__init__(fields)
        self.file = file
        self.file_name = file_name
        """As its sender says it, sanitised by nobody."""


async def read_upload(request: Request) -> Upload:
    """Return what a browser sends. Raises `HTTPException`: 400 and 415 for what is none, 413 for what is too large.

    Who may send nothing should be turned away before: a file is kept in memory.
    """
    found = _BOUNDARY.fullmatch(request.headers.get("content-type", "").strip())
    if found is None:
        raise HTTPException(415)
    return parse_upload(await read_body(request, limits.UPLOAD_BYTES + limits.FORM_BYTES), found[1].encode())


async def read_body(request: Request, most: int) -> bytes:
    """Return the octets of a body. Raises `HTTPException`, 413, where they are more, as soon as that is known."""
    said = request.headers.get("content-length", "")
    if said.isascii() and said.isdigit() and (len(said) > 15 or int(said) > most):
        raise HTTPException(413)
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise HTTPException(413)
    return bytes(body)


def parse_upload(body: bytes, boundary: bytes) -> Upload:
    """Return the fields and the one file of a body. Raises `HTTPException`, 400 or 413."""
    delimiter = b"\r\n--" + boundary
    pieces = (b"\r\n" + body).split(delimiter, _FIELDS + 2)
    if len(pieces) > _FIELDS + 2:
        raise HTTPException(413)
    if len(pieces) < 3 or pieces[0] or pieces[-1].rstrip(b"\r\n") != b"--":
        raise HTTPException(400)
    fields: dict[str, list[str]] = {}
    files: list[tuple[str, bytes]] = []
    for piece in pieces[1:-1]:
        head, end, content = piece.partition(b"\r\n\r\n")
        if not end or len(head) > _HEAD_BYTES or not head.startswith(b"\r\n"):
            raise HTTPException(400)
        disposition = _DISPOSITION.search(head.replace(b"\r\n", b"\n"))
        if disposition is None:
            raise HTTPException(400)
        said = {key.lower(): value.decode("utf-8", "replace") for key, value in _PARAMETER.findall(disposition[1])}
        if b"name" not in said:
            raise HTTPException(400)
        if b"filename" in said:
            files.append((said[b"filename"], content))
        elif len(content) > limits.FORM_BYTES:
            raise HTTPException(413)
        else:
            fields.setdefault(said[b"name"], []).append(content.decode("utf-8", "replace"))
    if len(files) != 1:
        raise HTTPException(400)
    ((name, file),) = files
    if len(file) > limits.UPLOAD_BYTES:
        raise HTTPException(413)
    return Upload(fields, file, name)
