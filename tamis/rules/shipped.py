"""The rules in the package: read when they are first asked for, since few commands need them."""

from collections.abc import Iterator, Mapping
from functools import cache

from tamis.rules.reading import read, shipped_paths, texts
from tamis.rules.rule import Rule, Use, test_name


@cache
def shipped_rules() -> dict[str, Rule]:
    """Return the shipped rules by their names."""
    return read(texts(shipped_paths()))


class _Tests(Mapping[str, str]):
    """The names of the tests of the shipped rules of one use, with what they mean."""

    def __init__(self, use: Use) -> None:
        self._use = use
        self._known: dict[str, str] | None = None

    def _tests(self) -> dict[str, str]:
        if self._known is None:
            self._known = {
                test_name(name): rule.description
                for name, rule in shipped_rules().items()
                if rule.enabled and rule.use == self._use
            }
        return self._known

    def __getitem__(self, name: str) -> str:
        return self._tests()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tests())

    def __len__(self) -> int:
        return len(self._tests())


def tests_of(use: Use) -> Mapping[str, str]:
    """Return the tests of the shipped rules of one use."""
    return _Tests(use)
