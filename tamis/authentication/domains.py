"""Whose domain is whose: organisational domains by the public suffix list, and alignment (RFC 7489, section 3)."""

from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList

_LONGEST = 253


@cache
def load() -> PublicSuffixList:
    """The list, which takes a tenth of a second to read: load it before fork."""
    return PublicSuffixList()


@lru_cache(maxsize=4096)
def organisational(domain: str) -> str:
    """Return the domain that was registered, one label below a public suffix; a public suffix stands for itself."""
    return (load().privatesuffix(domain) or domain) if len(domain) <= _LONGEST else domain


@lru_cache(maxsize=4096)
def is_suffix(domain: str) -> bool:
    """Whether the list itself says that domains are registered below this one."""
    return len(domain) <= _LONGEST and load().publicsuffix(domain, accept_unknown=False) == domain


def aligned(one: str, other: str, strict: bool = False) -> bool:
    """Whether two normalised domains belong together: to one organisation, or where `strict` by being the same."""
    if not one or not other:
        return False
    return one == other or (not strict and organisational(one) == organisational(other))
