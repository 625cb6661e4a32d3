"""Bodies of requests, read as they come in, and refused as soon as they are known to be too large."""

from collections.abc import AsyncIterator

from starlette.exceptions import HTTPException
from starlette.requests import Request


async def read_body(request: Request, most: int) -> bytes:
    """Return the octets of a body. Raises `HTTPException`, 413, where they are more than `most`."""
    return b"".join([piece async for piece in pieces(request, most)])


async def pieces(request: Request, most: int) -> AsyncIterator[bytes]:
    """Yield a body in pieces. Raises `HTTPException`, 413, where its octets are more than `most`, or are said to be."""
    said = request.headers.get("content-length", "")
    if said.isascii() and said.isdigit() and (len(said) > 15 or int(said) > most):
        raise HTTPException(413)
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > most:
            raise HTTPException(413)
        yield piece
