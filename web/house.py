"""What all pages of one process share: the configuration, held mail, signatures, limits, templates."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from tamis.config import Config
from tamis.policy_view import LivePolicies
from tamis.quarantine.spool import Spool
from tamis.quarantine.store import Store
from tamis.redis_client import RedisClient
from tamis.secret import read_secret
from tamis.tokens import Tokens
from tamis.web.limiter import Limiter
from tamis.web.templating import Templates

PRIVATE_REDIS: Final = "redis.sock"
"""The socket of the daemon's own redis-server, in the runtime directory."""


@dataclass(frozen=True)
class House:
    """Made once for each process. `prefix` is the path under which the pages are, without a slash at its end."""

    config: Config
    tokens: Tokens
    store: Store
    policies: LivePolicies
    limiter: Limiter
    prefix: str
    secure: bool
    """Whether browsers come by TLS."""
    templates: Templates = field(repr=False)

    def url(self, path: str) -> str:
        """Return a path of ours, which begins with a slash, as a browser has to ask for it."""
        return f"{self.prefix}{path}"


def build_house(config: Config) -> House:
    """Return what the pages need. Raises `OSError` where the secret cannot be read or made."""
    settings = config.settings
    base = urlsplit(settings.web.base_url)
    prefix = base.path.rstrip("/")
    redis_url = settings.redis.url or f"unix://{settings.daemon.runtime_directory}/{PRIVATE_REDIS}"
    return House(
        config=config,
        tokens=Tokens(read_secret(config)),
        store=Store(config.database_url, Spool(config.spool_folder)),
        policies=LivePolicies(config),
        limiter=Limiter(RedisClient(redis_url, settings.redis.timeout_seconds)),
        prefix=prefix,
        secure=base.scheme == "https",
        templates=Templates(prefix),
    )


def house_of(request: Request) -> House:
    """Return the house in which a request is answered."""
    found: House = request.app.state.house
    return found
