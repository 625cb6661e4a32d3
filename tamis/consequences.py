"""What follows from a verdict besides what becomes of the message: who sends in bulk to traps is banned for a while.

Filters say what is true, and know nothing of it (SPEC, section 1, rows 2 and 13). Ham, which is nearly all there is to
count, costs one addition in memory.
"""

import hashlib
import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from tamis.addresses import domain_of
from tamis.bans import Offence, unit_of
from tamis.examination import Snapshot
from tamis.lists import PLATFORM, ListName
from tamis.mail import IPAddress
from tamis.networks import contains
from tamis.record import Record
from tamis.settings import Bans, Networks
from tamis.shared_state import SharedState

_log: Final = logging.getLogger("tamis")
TRAPS: Final = "trap"
MALWARE: Final = "malware"


class Consequences:
    """Counts what peers bring, and bans those who bring too much of it. `follow` may be called from any thread."""

    def __init__(self, settings: Bans, networks: Networks, shared: SharedState) -> None:
        self._settings = settings
        self._ours = (*networks.own, *networks.trusted_relays)
        self._shared = shared

    def follow(self, record: Record, snapshot: Snapshot) -> None:
        """Count an examined inbound message. Where Redis is away nothing follows from it."""
        peer = record.mail.peer
        if not self._settings.automatic or peer is None:
            return
        malware = any(verdict.malware for verdict in record.verdicts)
        if not malware and not record.traps:
            if any(not verdict.spam for verdict in record.verdicts):
                self._shared.ham.note(unit_of(peer))
            return
        if peer.is_loopback or contains(self._ours, peer):
            return
        if malware:
            self._count(record, snapshot, MALWARE, PLATFORM, peer)
        # A message that also has a real recipient is not counted: somebody may have copied the trap from somewhere.
        elif record.only_traps:
            for domain in _owners(record, snapshot):
                self._count(record, snapshot, TRAPS, domain, peer)

    def refresh(self, now: datetime) -> None:
        """Take up bans that were made elsewhere, and write what was counted; called from time to time."""
        if self._settings.automatic:
            self._shared.bans.refresh(now)
            self._shared.ham.flush(now)

    def _count(self, record: Record, snapshot: Snapshot, kind: str, domain: str, peer: IPAddress) -> None:
        mail, settings, network = record.mail, self._settings, unit_of(peer)
        whitelisted = (snapshot.lists.match_ip(ListName.WHITELIST_IP, of, peer, mail.now) for of in {PLATFORM, domain})
        if any(whitelisted):
            return
        name = counted_as(kind, domain, network)
        bad = self._shared.counters.count(name, [_same(record)], mail.now, 60 * settings.window_minutes)
        enough = settings.trap_messages if kind == TRAPS else settings.malware_messages
        if bad is None or bad < enough:
            return
        what = "messages to traps" if kind == TRAPS else "messages with malware"
        why = f"{bad} {what} within {settings.window_minutes} min"
        offence = Offence(bad, settings.ham_messages, settings.trap_share if kind == TRAPS else 0.0, why)
        until = self._shared.bans.ban(
            network,
            domain,
            offence,
            self._shared.ham,
            mail.now,
            first=60 * settings.first_minutes,
            longest=3600 * settings.longest_hours,
        )
        if until is not None:
            self._shared.counters.forget([name])
            fields = {"peer": network, "domain": domain, "until": f"{until:%Y-%m-%dT%H:%M:%SZ}", "reason": why}
            _log.warning("a peer is banned for the moment", extra={"fields": fields})


def counted_as(kind: str, domain: str, network: str) -> bytes:
    """Return the name of the counter of what a peer brought."""
    return f"bans {kind} {domain} {network}".encode("utf-8", "surrogatepass")


def _owners(record: Record, snapshot: Snapshot) -> Iterator[str]:
    """Yield for whom a message to traps counts: the platform, and each domain whose own list has the trap.

    What a domain takes for a trap must not ban anybody for others (SPEC, section 5).
    """
    mail = record.mail
    if mail.listener in snapshot.decoys:
        yield PLATFORM
        return
    traps = dict.fromkeys(mail.recipients)
    common = [
        trap for trap in traps if snapshot.lists.match_address(ListName.TRAP, PLATFORM, trap, mail.now) is not None
    ]
    if common:
        yield PLATFORM
    yield from dict.fromkeys(domain_of(trap) for trap in traps if trap not in common)


def _same(record: Record) -> str:
    """Return what is the same for a message that is tried again, and for no other."""
    digest = hashlib.blake2b(record.mail.message.digest, digest_size=16)
    digest.update("\0".join(record.mail.recipients).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
