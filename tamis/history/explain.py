"""A decision in words and as plain data: what `tamis why` prints, and what programs read."""

from collections.abc import Iterator
from datetime import UTC
from typing import Any

from tamis.history.decided import Asked, Decided, Said, Share
from tamis.record import points


def as_lines(one: Decided) -> Iterator[str]:
    """Yield the lines for a person; what the wire brought is not made safe for a terminal yet."""
    yield f"decision {one.id}: {one.verdict}, answered {one.answer}"
    peer = f"{one.peer or 'an unknown host'} ({one.rdns or 'without a name'})"
    facts = {
        "when": f"{one.moment:%Y-%m-%d %H:%M:%S} UTC, in {one.milliseconds:.1f} ms",
        "from": peer + (f", HELO {one.helo}" if one.helo else ""),
        "sender": one.sender or "<>",
        "author": ", ".join(one.authors),
        "to": ", ".join(one.recipients),
        "Message-ID": one.header_id,
        "queue id": one.queue_id,
        "size": f"{one.size} octets",
        "class": one.mail_class,
        "who answers": one.authentication,
        "traps": ", ".join(one.traps),
        "because": one.because,
        "cut": "it was too long: single hits and tests are left out" if one.cut else "",
    }
    yield from _facts(facts)
    for share in one.shares:
        yield ""
        yield from _share(share)
    asked = [row for row in one.rows if row.hits or row.abstained]
    if asked:
        yield ""
        yield "what the filters said"
        for row in asked:
            yield from _row(row)
    quiet = [f"{row.row} {row.name} {row.milliseconds:g} ms" for row in one.rows if not row.hits and not row.abstained]
    if quiet:
        yield ""
        yield "asked, and found nothing: " + ", ".join(quiet)


def _facts(facts: dict[str, str]) -> Iterator[str]:
    for name, value in facts.items():
        if value:
            yield f"  {name:<11} {value}"


def _share(share: Share) -> Iterator[str]:
    yield f"for {', '.join(share.recipients) or 'nobody'}: {share.verdict}" + (
        f", {share.action}" if share.action else ""
    )
    decided = f"row {share.row} {share.name}" if share.row else ""
    tests = ", ".join(f"{name}: {points(weight)}" for name, weight in share.tests)
    yield from _facts(
        {
            "decided by": decided + (f" ({share.test})" if share.test else ""),
            "because": share.because,
            "let through": share.let_through,
            "score": f"{points(share.score)}, level {share.level:g}, mode {share.mode}" if share.mode else "",
            "tests": tests,
        }
    )


def _row(row: Asked) -> Iterator[str]:
    how = f"{row.milliseconds:g} ms" + (", from the cache" if row.cached else "")
    if row.abstained:
        yield f"  {row.row} {row.name} ({how}) {'failed' if row.error else 'abstained'}: {row.abstained}"
    elif row.hits:
        yield f"  {row.row} {row.name} ({how})"
    for hit in row.hits:
        whose = f" [for {hit.recipient or hit.domain}]" if hit.recipient or hit.domain else ""
        yield f"      {'! ' if hit.decides else ''}{hit.test}: {hit.because}{whose}"


def as_json(one: Decided) -> dict[str, Any]:
    """Return a decision as plain data, with points as numbers."""
    return {
        "id": one.id,
        "at": one.moment.astimezone(UTC).isoformat(timespec="milliseconds"),
        "verdict": one.verdict,
        "answer": one.answer,
        "class": one.mail_class,
        "queue_id": one.queue_id,
        "message_id": one.header_id,
        "peer": one.peer or None,
        "rdns": one.rdns,
        "helo": one.helo,
        "listener": one.listener,
        "sender": one.sender,
        "authors": list(one.authors),
        "recipients": list(one.recipients),
        "size": one.size,
        "milliseconds": one.milliseconds,
        "authentication": one.authentication or None,
        "traps": list(one.traps),
        "because": one.because or None,
        "cut": one.cut,
        "verdicts": [_share_json(share) for share in one.shares],
        "rows": [
            {
                "number": row.row,
                "name": row.name,
                "milliseconds": row.milliseconds,
                "cached": row.cached,
                "abstained": row.abstained or None,
                "error": row.error,
                "hits": [_hit_json(hit) for hit in row.hits],
            }
            for row in one.rows
        ],
    }


def _share_json(share: Share) -> dict[str, Any]:
    return {
        "recipients": list(share.recipients),
        "verdict": share.verdict,
        "action": share.action,
        "mode": share.mode,
        "row": share.row or None,
        "name": share.name or None,
        "test": share.test or None,
        "because": share.because,
        "whitelisted": share.let_through or None,
        "score": share.score / 1000,
        "level": share.level,
        "tests": {name: weight / 1000 for name, weight in share.tests},
    }


def _hit_json(hit: Said) -> dict[str, Any]:
    return {
        "test": hit.test,
        "because": hit.because,
        "decides": hit.decides,
        "domain": hit.domain or None,
        "recipient": hit.recipient or None,
    }
