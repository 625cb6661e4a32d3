"""One message as `tamis quarantine show` prints it: the facts, the verdict on each copy and why, its history."""

from collections.abc import Iterator
from typing import Any

from tamis.commands.common import printable
from tamis.commands.quarantine_common import at, iso, octets
from tamis.quarantine.queries import Copy, Whole
from tamis.quarantine.records import decode_fields
from tamis.record import points
from tamis.telling import Telling


def as_text(message: Whole, kept: bool) -> Iterator[str]:
    """Yield the lines for a person; `kept`: the octets are in the spool."""
    row = message.row
    yield f"message {row['id']}"
    facts = {
        "received": f"{at(row['received_at'])} UTC from {row['peer'] or 'an unknown host'}"
        f" ({row['rdns'] or 'without a name'}), HELO {row['helo']}",
        "sender": row["sender"] or "<>",
        "author": row["author"],
        "subject": row["subject"],
        "Message-ID": row["header_id"],
        "queue id": row["queue_id"],
        "size": octets(row["size"]) + ("" if kept else ", no longer kept"),
    }
    yield from _facts(facts)
    for copy in message.copies:
        yield ""
        yield from _copy(copy)


def _facts(facts: dict[str, str]) -> Iterator[str]:
    for name, value in facts.items():
        if value:
            yield f"  {name:<11} {printable(value)}"


def _copy(copy: Copy) -> Iterator[str]:
    row = copy.row
    yield printable(f"copy {row['id']} for {row['recipient']}: {row['state']}" + _malware(row))
    decided = f"{row['row']} {row['row_name']}".strip()
    facts = {
        "decided by": decided and f"row {decided}" + (f" ({row['test']})" if row["test"] else ""),
        "because": row["because"],
        "score": f"{points(row['score'])}, level {row['level']:g}, mode {row['mode']}, action {row['action']}",
        "goes to": row["legs_left"] or row["legs"],
    }
    yield from _facts(facts)
    yield from _facts({"notice": Telling(row["telling"]).words})
    for number, (moment, text) in enumerate(_history(copy)):
        yield printable(f"  {'history' if not number else '':<11} {moment} UTC {text}")
    if copy.outbox:
        yield from _facts({"outbox": _outbox(copy.outbox)})
    for number, (name, value) in enumerate(decode_fields(row["fields"])):
        lines = f"{name}: {value}".split("\n")
        for line, text in enumerate(lines):
            yield f"  {'header' if not number and not line else '':<11} {printable(text.replace(chr(9), '    '))}"


def _malware(row: dict[str, Any]) -> str:
    return ", as malware" if row["malware"] else ""


def _history(copy: Copy) -> Iterator[tuple[str, str]]:
    row = copy.row
    began = "held" if row["action"] == "hold" else "sent on its way as a copy of its own"
    yield at(row["held_at"]), began + (f", brought {row['seen']} times" if row["seen"] > 1 else "")
    for event in copy.events:
        text = f"{event['state']} by {event['by']}"
        yield at(event["at"]), text + (f": {event['note']}" if event["note"] else "")


def _outbox(outbox: dict[str, Any]) -> str:
    tried = f"tried {outbox['tries']} times, " if outbox["tries"] else ""
    if outbox["claimed_by"]:
        return f"{tried}being sent since {at(outbox['claimed_at'])} UTC"
    reply = f", last answer: {outbox['last_reply']}" if outbox["last_reply"] else ""
    return f"{tried}due {at(outbox['next_at'])} UTC{reply}"


def as_json(message: Whole, kept: bool) -> dict[str, Any]:
    """Return the same as plain data."""
    row = message.row
    names = ("id", "sender", "peer", "rdns", "helo", "queue_id", "author", "subject", "size", "digest")
    return {
        **{name: row[name] for name in names},
        "message_id": row["header_id"],
        "received_at": iso(row["received_at"]),
        "kept": kept,
        "copies": [_copy_json(copy) for copy in message.copies],
    }


def _copy_json(copy: Copy) -> dict[str, Any]:
    row = copy.row
    names = ("id", "recipient", "rcpt_to", "state", "action", "mode", "level", "because", "malware", "seen")
    return {
        **{name: row[name] for name in names},
        "row": row["row"] or None,
        "name": row["row_name"] or None,
        "test": row["test"] or None,
        "score": row["score"] / 1000,
        "notice": row["telling"] or None,
        "legs": row["legs"].split(),
        "legs_left": row["legs_left"].split(),
        "held_at": iso(row["held_at"]),
        "changed_at": iso(row["changed_at"]),
        "changed_by": row["changed_by"],
        "fields": decode_fields(row["fields"]),
        "history": [
            {"at": iso(event["at"]), **{name: event[name] for name in ("state", "by", "note")}} for event in copy.events
        ],
        "outbox": _outbox_json(copy.outbox) if copy.outbox else None,
    }


def _outbox_json(outbox: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": outbox["kind"],
        "tries": outbox["tries"],
        "created_at": iso(outbox["created_at"]),
        "next_at": iso(outbox["next_at"]),
        "sending": bool(outbox["claimed_by"]),
        "last_reply": outbox["last_reply"],
    }
