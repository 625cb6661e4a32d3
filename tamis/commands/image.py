"""`tamis image`: known spam images (row 21): taught, listed, taken back, and what an image looks like."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from tamis import limits
from tamis.commands.common import (
    UsageError,
    add_config_option,
    caller,
    load_config,
    print_json,
    print_table,
    printable,
)
from tamis.images.known import KnownImages
from tamis.images.known_writer import build
from tamis.images.learning import LEAST_WORDS, images_to_learn
from tamis.images.own_pool import OwnReaders
from tamis.images.parts import Images, images_of, is_image
from tamis.images.pictures import Pictures
from tamis.images.store import ImageStore, Learned
from tamis.images.tables import State
from tamis.message import Message
from tamis.privileges import become_service_user

_PATIENCE_SECONDS: Final = 60.0


def add(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("image", help="known spam images (row 21): learn, list, look, accept, forget")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    learn = actions.add_parser("learn", help="learn spam images: image files, or the images of messages that say much")
    learn.add_argument("file", nargs="+", metavar="FILE", help="an image, or a message in a file")
    learn.set_defaults(run=_learn)
    look = actions.add_parser("look", help="print what an image says, and whether it is known")
    look.add_argument("file", nargs="+", metavar="FILE", help="an image, or a message in a file")
    look.set_defaults(run=_look)
    shown = actions.add_parser("list", help="print the images, those seen last first")
    states = [*(state.value for state in State), "all"]
    shown.add_argument("--state", choices=states, default=State.KNOWN.value, help="known (default), proposed, cleared")
    shown.add_argument("--limit", type=int, default=50, metavar="N", help="at most so many (default: 50)")
    shown.set_defaults(run=_list)
    accept = actions.add_parser("accept", help="take an image for spam that is proposed or was taken back")
    accept.set_defaults(run=_accept)
    forget = actions.add_parser("forget", help="take an image back: mail with it is no spam, and traps do not teach it")
    forget.set_defaults(run=_forget)
    for sub in (accept, forget):
        sub.add_argument("id", nargs="+", metavar="ID", help="the id, or its first digits")
    for sub in (learn, accept, forget):
        sub.add_argument("--note", default="", help="why")
        sub.add_argument("--by", help="who (default: the user who calls)")
    for sub in (look, shown, learn):
        sub.add_argument("--json", action="store_true", help="print JSON")
    for sub in (learn, look, shown, accept, forget):
        add_config_option(sub)


def _learn(args: argparse.Namespace) -> int:
    config, by = load_config(args), args.by or caller()
    files = [(name, _read(name)) for name in args.file]
    become_service_user(config)
    store, report = ImageStore(config.database_url), []
    with closing(OwnReaders(config.settings.images, limits.IMAGE_LEARN_SECONDS)) as readers:
        for name, data in files:
            images, trouble = _images(data, readers)
            new = store.learn(images, by, args.note) if images else 0
            report.append({"file": name, "images": [image.id for image in images], "new": new, "trouble": trouble})
            what = f"{len(images)} learned, {new} of them new" if images else f"no image that says {LEAST_WORDS} words"
            if not args.json:
                print(f"{printable(name)}: {what}" + (f" ({trouble})" if trouble else ""))
    if args.json:
        print_json(report)
    return 0 if all(one["images"] for one in report) else 1


def _images(data: bytes, readers: OwnReaders) -> tuple[list[Learned], str]:
    """Return what is to be learned: an image that a person has named, whatever it says, or some of a message."""
    if not is_image(data):
        return images_to_learn(Message(data), readers, seconds=_PATIENCE_SECONDS)
    pictures = _pictures(data, readers)
    texts = {picture.digest: text for picture, text in pictures.texts()}
    looks = [(picture, picture.look) for picture in pictures.all]
    found = [Learned(one.data, look, texts.get(one.digest, "")) for one, look in looks if look]
    return found, pictures.trouble


def _pictures(data: bytes, readers: OwnReaders, known: KnownImages | None = None) -> Pictures:
    """Return the images of a message, or an image as if it were in one."""
    images = Images((data,)) if is_image(data) else images_of(Message(data))
    return Pictures(images, readers, known=known, seconds=_PATIENCE_SECONDS)


def _look(args: argparse.Namespace) -> int:
    config = load_config(args)
    files = [(name, _read(name)) for name in args.file]
    become_service_user(config)
    known = KnownImages(build(ImageStore(config.database_url).known()))
    with closing(OwnReaders(config.settings.images, limits.IMAGE_LEARN_SECONDS)) as readers:
        report = [found for name, data in files for found in _seen(name, _pictures(data, readers, known))]
    if args.json:
        print_json(report)
        return 0
    for one in report:
        size = one["size"] or "not decoded"
        print(f"{printable(one['file'])}: {one['octets']:,} octets, {size}, id {one['id'] or '-'}")
        for name in ("known", "trouble", "codes", "text"):
            for line in [one[name]] if isinstance(one[name], str) else one[name]:
                print("\n".join(f"  {name}: {printable(row)}" for row in line.splitlines() if row.strip()))
    return 0


def _seen(name: str, pictures: Pictures) -> Iterator[dict[str, Any]]:
    """Say of each image what is found out about it."""
    known = pictures.known() or pictures.known_text()
    texts = {picture.digest: text for picture, text in pictures.texts()}
    for picture in pictures.all:
        look = picture.look
        yield {
            "file": name,
            "octets": len(picture.data),
            "size": f"{look.width} x {look.height}" if look else "",
            "id": look.pixels.hex() if look else "",
            "known": str(known[1]) if known and known[0] is picture else "",
            "codes": list(look.codes) if look else [],
            "text": texts.get(picture.digest, ""),
            "trouble": pictures.trouble,
        }


def _list(args: argparse.Namespace) -> int:
    if args.limit < 1:
        raise UsageError(f"--limit {args.limit} is not a number from 1 on")
    state = None if args.state == "all" else State(args.state)
    rows = ImageStore(load_config(args).database_url).images(state, args.limit)
    if args.json:
        print_json([_as_json(row) for row in rows])
        return 0
    columns = ["id", "state", "size", "messages", "last seen", "by", "says"]
    print_table(columns, [_cells(row) for row in rows])
    return 0


def _as_json(row: Any) -> dict[str, Any]:
    times = {name: getattr(row, name).isoformat() + "+00:00" for name in ("added_at", "seen_at")}
    plain = ("id", "state", "width", "height", "messages", "says", "learned_by", "changed_by", "note")
    return {name: getattr(row, name) for name in plain} | times


def _cells(row: Any) -> Sequence[str]:
    size = f"{row.width} x {row.height}"
    return [row.id[:12], row.state, size, str(row.messages), f"{row.seen_at:%Y-%m-%d}", row.learned_by, row.says]


def _accept(args: argparse.Namespace) -> int:
    return _set(args, State.KNOWN, "known")


def _forget(args: argparse.Namespace) -> int:
    return _set(args, State.CLEARED, "taken back")


def _set(args: argparse.Namespace, state: State, said: str) -> int:
    config, by = load_config(args), args.by or caller()
    become_service_user(config)
    store = ImageStore(config.database_url)
    for prefix in args.id:
        found = store.set_state(prefix, state, by, args.note)
        if len(found) != 1:
            raise UsageError(f"{prefix}: {'no image' if not found else 'more than one image'} has an id that begins so")
        print(f"{said}: {found[0]}")
    return 0


def _read(name: str) -> bytes:
    """Raises OSError, or `UsageError` for what is larger than what is looked at of a message."""
    with Path(name).open("rb") as file:
        data = file.read(limits.MESSAGE_BYTES + 1)
    if len(data) > limits.MESSAGE_BYTES:
        raise UsageError(f"{name} has more than {limits.MESSAGE_BYTES:,} octets")
    return data
