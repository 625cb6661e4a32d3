"""The brands by what a name has to have in common with one of theirs, so that no name is compared with all of them.

Each method returns places in `brands()`, in the order of the file: all brands that can be meant, and few that are not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final

from ahocorasick_rs import AhoCorasick

from tamis.phishing.brands import Brand, brands
from tamis.phishing.confusables import look, plain

Places = Mapping[str, tuple[int, ...]]


class BrandIndex:
    """Brands found by hash. It never changes."""

    def __init__(self, known: Sequence[Brand], least_label: int) -> None:
        """`least_label`: letters of a label from which on one letter off is looked for."""
        self._least_label = least_label
        rare = [(place, brand) for place, brand in enumerate(known) if not brand.common]
        self._domains = frozenset(domain for brand in known for domain in brand.domains)
        self._longest_domain = max(map(len, self._domains))
        self._national = frozenset(brand.label for _, brand in rare)
        self._looks = _by_key((look(brand.label), place) for place, brand in rare)
        self._plain = _by_key((plain(brand.label), place) for place, brand in rare)
        self._longest_label = max(len(brand.label) for _, brand in rare)
        long = [(brand.label, place) for place, brand in rare if len(brand.label) >= least_label]
        self._shortened = _by_key((short, place) for label, place in long for short in _shorter(label))
        dotted = [(d, place) for place, brand in enumerate(known) for d in sorted(brand.domains) if "." in d]
        self._dotted = _by_key(dotted)
        self._most_labels = max(domain.count(".") + 1 for domain, _ in dotted)
        self._words = _by_key((look(word), place) for place, brand in enumerate(known) for word in brand.host_words)
        inside = [(look(word), place) for place, brand in enumerate(known) for word in brand.inside]
        self._inside: Final = AhoCorasick([word for word, _ in inside])
        self._inside_places: Final = [place for _, place in inside]

    def may_be_owned(self, domain: str, organisation: str) -> bool:
        """Whether a domain can be a brand's own, at any depth."""
        if organisation in self._domains or domain in self._domains:
            return True
        if organisation.partition(".")[0] in self._national:
            return True
        dot = domain.find(".", max(0, len(domain) - self._longest_domain - 1))
        while dot >= 0:
            if domain[dot + 1 :] in self._domains:
                return True
            dot = domain.find(".", dot + 1)
        return False

    def like(self, label: str) -> list[int]:
        """Brands that are not common words and of which the label may look like this one, or be one letter off."""
        found = {*self._looks.get(look(label), ()), *self._plain.get(plain(label), ())}
        if self._least_label <= len(label) <= self._longest_label + 1:
            found.update(place for short in _shorter(label) for place in self._shortened.get(short, ()))
        return sorted(found)

    def below(self, labels: Sequence[str]) -> list[int]:
        """Brands of which a whole domain, of two labels or more, stands among these."""
        return sorted(
            {
                place
                for start in range(len(labels) - 1)
                for end in range(start + 2, min(len(labels), start + self._most_labels) + 1)
                for place in self._dotted.get(".".join(labels[start:end]), ())
            }
        )

    def word(self, pieces: Iterable[str], label: str) -> int | None:
        """The first brand of which a word is one of these pieces, or stands within the label; both as they look."""
        found = [place for piece in pieces for place in self._words.get(piece, ())]
        found += [self._inside_places[at] for at, _, _ in self._inside.find_matches_as_indexes(label, overlapping=True)]
        return min(found, default=None)


def _shorter(label: str) -> Iterator[str]:
    """A label, and it without each one of its letters: labels one step apart have one of these in common."""
    yield label
    for at in range(len(label)):
        yield label[:at] + label[at + 1 :]


def _by_key(pairs: Iterable[tuple[str, int]]) -> Places:
    found: dict[str, dict[int, None]] = {}
    for key, place in pairs:
        found.setdefault(key, {})[place] = None
    return {key: tuple(places) for key, places in found.items()}


@cache
def brand_index(least_label: int) -> BrandIndex:
    """The index of the brands of brands.toml, made once."""
    return BrandIndex(brands(), least_label)
