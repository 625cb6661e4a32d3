"""What the daemon needs of the rest of Tamis, in one place: the tests put something small in its stead."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tamis.config import Config
from tamis.contract import Stage
from tamis.disposition import Disposition
from tamis.mail import IPAddress, Mail
from tamis.message import Message
from tamis.networks import Identity
from tamis.policy import Policy
from tamis.record import Refusal
from tamis.settings import Networks
from tamis.tasks import Task


class Engine(Protocol):
    """What examines mail; made in each worker, after fork."""

    @property
    def ready(self) -> bool:
        """Whether inbound mail can be examined: the lists have been read, once at least."""

    def policy_of(self, recipient: str) -> Policy:
        """Return the policy of a normalised address as it is now."""

    def examine(self, mail: Mail) -> Any:
        """Return the record of a message."""

    def dispose(self, record: Any) -> Disposition:
        """Return what becomes of each recipient's copy."""

    def may_refuse(self, peer: IPAddress | None) -> bool:
        """Whether `refusal` may refuse a recipient of that peer's mail; asked in threads of libmilter."""

    def refusal(self, mail: Mail, recipient: str) -> Refusal | None:
        """Return why a recipient is refused for now, before the message is known."""

    def prefetch(self, mail: Mail, stage: Stage) -> None:
        """Ask the network ahead what can be asked of what is known of a mail by this stage."""

    def concluded(self, record: Any, answer: str) -> None:
        """Keep a decision; `answer` is what the client was told."""

    def refused(self, mail: Mail, refusal: Refusal, answer: str) -> None:
        """Keep that a recipient was refused for the moment."""

    def undecided(self, about: Mapping[str, object], because: str, answer: str) -> None:
        """Keep what became of a message of which there is no record."""

    def refresh(self) -> None: ...

    def keep(self) -> None:
        """Write down what was seen and not written yet: the worker ends."""


class Identify(Protocol):
    """Tells the class of a message and its true peer."""

    def __call__(
        self,
        networks: Networks,
        peer: IPAddress | None,
        rdns: str,
        helo: str,
        authenticated: bool,
        local_submission: bool,
        message: Message,
    ) -> Identity: ...


@dataclass(frozen=True)
class Core:
    """The functions by which a message is judged."""

    preload: Callable[[Config], None]
    engine: Callable[[Config, str], Engine]
    identify: Identify
    decision: Callable[[Any], Mapping[str, object]]
    tasks: Callable[[Config, str], Sequence[Task]] = lambda *_: ()
    """What the keeper does."""
    reads_images: bool = False
    """Whether workers need the readers of images beside them."""


def real_core() -> Core:
    """Tamis itself. Imported here, since it takes its time."""
    from tamis import decision_log, engine, keeper_tasks, networks

    return Core(engine.preload, engine.worker_engine, networks.identify, decision_log.fields, keeper_tasks.tasks, True)
