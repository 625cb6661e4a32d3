"""A form with one file (multipart/form-data, RFC 7578), read as it comes in, within bounds, and kept in memory.

The file's name is its sender's: it is text to show, never a path.
"""

from typing import Final

from python_multipart import FormParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import Request

from tamis import limits
from tamis.web.bodies import pieces
from tamis.web.forms import Form

_KIND: Final = "multipart/form-data"


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
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != _KIND.encode() or not options.get(b"boundary"):
        raise HTTPException(415)
    fields: dict[str, list[str]] = {}
    files: list[File] = []
    ends: list[bool] = []

    def on_field(field: Field) -> None:
        value = field.value or b""
        if len(value) > limits.FORM_BYTES or sum(map(len, fields.values())) >= limits.UPLOAD_FIELDS:
            raise HTTPException(413)
        fields.setdefault(_text(field.field_name), []).append(_text(value))

    def on_file(file: File) -> None:
        if files:
            raise HTTPException(400)
        files.append(file)

    most = limits.UPLOAD_BYTES + limits.FORM_BYTES
    # No file is larger than the body: none is written to the disk.
    config = {"MAX_MEMORY_FILE_SIZE": most, "UPLOAD_ERROR_ON_BAD_CTE": True}
    try:
        parser = FormParser(_KIND, on_field, on_file, lambda: ends.append(True), options[b"boundary"], config=config)
        async for piece in pieces(request, most):
            parser.write(piece)
    except FormParserError:
        raise HTTPException(400) from None
    if not files or not ends:
        raise HTTPException(400)
    (file,) = files
    if file.size > limits.UPLOAD_BYTES:
        raise HTTPException(413)
    file.file_object.seek(0)
    return Upload(fields, file.file_object.read(), _text(file.file_name))


def _text(octets: bytes | None) -> str:
    return (octets or b"").decode("utf-8", "replace")
