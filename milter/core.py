"""What the daemon needs of the rest of Tamis, in one place: the tests put something small in its stead."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tamis.config import Config
from tamis.headers import Changes
from tamis.mail import IPAddress, Mail
from tamis.message import Message
from tamis.networks import Identity
from tamis.settings import Headers, Networks
from tamis.tasks import Task


class Engine(Protocol):
    """What examines mail; made in each worker, after fork."""

    @property
    def ready(self) -> bool:
        """Whether it knows what it must to judge mail; False only until lists were read for the first time."""
        ...

    def examine(self, mail: Mail) -> Any: ...

    def refresh(self) -> None: ...


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
    changes: Callable[[Any, Headers], Changes]
    decision: Callable[[Any], Mapping[str, object]]
    tasks: Callable[[Config, str], Sequence[Task]] = lambda *_: ()
    """What the keeper does."""


def real_core() -> Core:
    """Tamis itself. Imported here, since it takes its time."""
    from tamis import decision_log, engine, headers, keeper_tasks, networks

    return Core(
        engine.preload,
        engine.worker_engine,
        networks.identify,
        headers.changes,
        decision_log.fields,
        keeper_tasks.tasks,
    )
