"""The messages of the demo, and somebody's own: what is sent, and who the sending host says it is."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tamis.mail import IPAddress
from tamis.message import Message, normalise
from tamis.networks import parse_received

_MESSAGES = Path(__file__).parent / "messages"
_ADDRESS = re.compile(r"[^\s<>@\"\\()\[\],;:\x00-\x1f\x7f-\uffff]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,250}")
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")
_DEFAULT_PEER = "203.0.113.25"
_DEFAULT_RECIPIENT = "you@example.org"


@dataclass(frozen=True, slots=True)
class Sample:
    """One message to send. An empty `name` is a peer without reverse DNS; `login` is who logged in, if anybody."""

    file: str
    shows: str
    message: bytes
    sender: str
    recipients: tuple[str, ...]
    peer: str = _DEFAULT_PEER
    name: str = ""
    helo: str = "mail.sender.example"
    login: str = ""
    expect: str = ""


class BadFolder(Exception):
    """A folder that cannot be used; the text is one clear line."""


def written_for_the_demo() -> list[Sample]:
    """Return the messages of the index, in its order."""
    index = tomllib.loads((_MESSAGES / "index.toml").read_text("utf-8"))
    samples = []
    for entry in index["message"]:
        recipients = tuple(entry.pop("recipients"))
        message = (_MESSAGES / entry["file"]).read_bytes()
        samples.append(Sample(message=message, recipients=recipients, **entry))
    return samples


def of_folder(folder: Path) -> tuple[list[Sample], list[str]]:
    """Return the messages of the .eml files in a folder and below it, and the names of unreadable ones."""
    try:
        if not folder.is_dir():
            raise BadFolder(f"{folder} is not a folder" if folder.exists() else f"{folder} does not exist")
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".eml")
    except OSError as error:
        raise BadFolder(f"{folder}: {error.strerror}") from None
    if not files:
        raise BadFolder(f"there is no .eml file in {folder}")
    samples, unreadable = [], []
    for path in files:
        name = "".join(letter if letter.isprintable() else "?" for letter in str(path.relative_to(folder)))
        try:
            # Only files: a pipe has no end, nor has what a link to a device gives.
            if not path.is_file():
                raise OSError
            samples.append(from_file(name, path.read_bytes()))
        except OSError:
            unreadable.append(name)
    return samples, unreadable


def from_file(name: str, raw: bytes) -> Sample:
    """Make a sample of somebody's message: envelope and peer out of its own header where it tells them."""
    raw = normalise(raw)
    message = Message(raw)
    peer, rdns, helo = _peer(message)
    return Sample(
        file=name,
        shows=name,
        message=raw,
        sender=_sender(message),
        recipients=(_recipient(message),),
        peer=str(peer) if peer else _DEFAULT_PEER,
        name=rdns if _HOST.fullmatch(rdns) else "",
        helo=helo if _HOST.fullmatch(helo) else "mail.sender.example",
    )


def _peer(message: Message) -> tuple[IPAddress | None, str, str]:
    """The first host in the trace that is on the public Internet: who brought the message to its reader's provider."""
    for field in message.fields("received"):
        hop = parse_received(field.text)
        if hop is not None and hop[0].is_global:
            return hop
    return None, "", ""


def _sender(message: Message) -> str:
    path = message.header("return-path")
    if path is not None:
        found = _ADDRESS.search(path)
        return found.group() if found else ""
    return next((box.address for box in message.authors if _ADDRESS.fullmatch(box.address)), "")


def _recipient(message: Message) -> str:
    """The first of To:, unless delivery would take it for a loop (its own Delivered-To: line is in the file)."""
    delivered = {field.text.strip().lower() for field in message.fields("delivered-to")}
    for field in message.fields("to")[:1]:
        found = _ADDRESS.search(field.text)
        if found and found.group().lower() not in delivered:
            return found.group()
    return _DEFAULT_RECIPIENT
