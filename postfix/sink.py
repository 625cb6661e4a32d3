"""Where mail ends in tests: a small SMTP and LMTP server that takes everything and counts it."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

_LINE_BYTES = 1 << 20
_EXTENSIONS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN")


@dataclass(frozen=True, slots=True)
class SunkMessage:
    """One message taken: the envelope as it was said, and the content with CRLF line ends.

    `rcpt_parameters` are those of each recipient, in the order of `recipients`.
    """

    sender: str
    recipients: tuple[str, ...]
    content: bytes
    mail_parameters: str = ""
    rcpt_parameters: tuple[str, ...] = ()


class Sink:
    """A server on a loopback port, in a thread of its own; a context manager.

    With `lmtp` it greets by LHLO and answers once per recipient. Messages stay in memory, or go into
    `folder` as one file each (`messages` then holds no content). `refuse` is asked for each recipient
    and returns a reply such as ``550 5.1.1 nobody`` to refuse it, or None.
    """

    def __init__(
        self,
        *,
        lmtp: bool = False,
        port: int = 0,
        folder: Path | None = None,
        refuse: Callable[[str], str | None] | None = None,
    ) -> None:
        self.port = port
        self.lmtp = lmtp
        self.folder = folder
        self.messages: list[SunkMessage] = []
        self.count = 0
        self.refuse = refuse or (lambda _: None)
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sink", daemon=True)

    @property
    def transport(self) -> str:
        """The value for a Postfix transport that ends here."""
        return f"lmtp:inet:127.0.0.1:{self.port}" if self.lmtp else f"smtp:[127.0.0.1]:{self.port}"

    def __enter__(self) -> "Sink":
        self._thread.start()
        if not self._started.wait(10.0):
            raise OSError("the sink did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10.0)

    def wait(self, count: int, timeout: float = 20.0) -> bool:
        """Wait until so many messages have been taken; False when they were not in time."""
        deadline = time.monotonic() + timeout
        while self.count < count:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=512, limit=_LINE_BYTES)
        )
        self.port = int(server.sockets[0].getsockname()[1])
        self._started.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _Conversation(self, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def take(self, message: SunkMessage) -> None:
        """Keep one message."""
        if self.folder is not None:
            (self.folder / f"{self.count:06d}.eml").write_bytes(message.content)
            message = replace(message, content=b"")
        self.messages.append(message)
        self.count += 1


class _Conversation:
    """One client's session."""

    def __init__(self, sink: Sink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._sink, self._reader, self._writer = sink, reader, writer
        self._sender, self._parameters = "", ""
        self._recipients: list[tuple[str, str]] = []

    def _say(self, *lines: str) -> None:
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode())

    async def run(self) -> None:
        self._say("220 sink.tamis.example ready")
        while line := await self._reader.readline():
            text = line.decode("utf-8", "replace").strip()
            verb = text[:4].upper()
            if verb == "QUIT":
                self._say("221 2.0.0 bye")
                break
            if verb == "DATA":
                await self._data()
            else:
                self._command(verb, text)
            await self._writer.drain()
        await self._writer.drain()

    def _command(self, verb: str, text: str) -> None:
        if verb in ("EHLO", "LHLO", "HELO"):
            self._say("250-sink.tamis.example", *(f"250-{word}" for word in _EXTENSIONS), "250 ENHANCEDSTATUSCODES")
        elif verb == "MAIL":
            self._sender, self._parameters = _address(text)
            self._recipients = []
            self._say("250 2.1.0 ok")
        elif verb == "RCPT":
            recipient, parameters = _address(text)
            refusal = self._sink.refuse(recipient)
            if refusal is None:
                self._recipients.append((recipient, parameters))
            self._say(refusal or "250 2.1.5 ok")
        elif verb in ("RSET", "NOOP"):
            self._say("250 2.0.0 ok")
        else:
            self._say("502 5.5.2 what?")

    async def _data(self) -> None:
        if not self._recipients:
            self._say("554 5.5.1 no recipients")
            return
        self._say("354 go on")
        await self._writer.drain()
        lines: list[bytes] = []
        while (line := await self._reader.readline()) != b".\r\n":
            if not line:
                raise ConnectionError("the client left in the middle of a message")
            lines.append(line[1:] if line.startswith(b".") else line)
        recipients, parameters = zip(*self._recipients, strict=True)
        self._sink.take(SunkMessage(self._sender, recipients, b"".join(lines), self._parameters, parameters))
        self._say(*["250 2.0.0 taken"] * (len(self._recipients) if self._sink.lmtp else 1))


def _address(text: str) -> tuple[str, str]:
    """Return the address of a MAIL or RCPT command and the parameters after it."""
    _, _, rest = text.partition("<")
    address, _, parameters = rest.rpartition(">") if ">" in rest else (rest, "", "")
    return address, parameters.strip()
