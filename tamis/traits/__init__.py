"""Named tests of the whole message: hundreds of small ones, in families, each with a learned weight.

`found_in` names those that a message hits, in the order of `TRAITS`. What they look at is measured once for each
message (`tamis.traits.letter`); a test is then no more than a comparison. The weights are in `tamis.traits.weights`.
SPEC, section 2.
"""

from collections.abc import Sequence
from typing import Final

from tamis.message import Message
from tamis.traits import (
    attached,
    conversation,
    dates,
    disguises,
    encodings,
    header_fields,
    header_layout,
    html_structure,
    languages,
    mailers,
    mailings,
    message_ids,
    mime_tree,
    people,
    received,
    styles,
    subjects,
    vocabulary,
    web_links,
    writing,
)
from tamis.traits.answers import Answers
from tamis.traits.family import Family, Numbers
from tamis.traits.letter import Letter
from tamis.traits.weights import learned

FAMILIES: Final[tuple[Family, ...]] = tuple(
    module.FAMILY
    for module in (
        header_fields,
        header_layout,
        received,
        dates,
        message_ids,
        mailers,
        people,
        subjects,
        mime_tree,
        encodings,
        attached,
        html_structure,
        styles,
        web_links,
        writing,
        languages,
        vocabulary,
        disguises,
        mailings,
        conversation,
    )
)
CANDIDATES: Final = {trait.name: trait for family in FAMILIES for trait in family.traits()}
"""Every test that is declared, by its name."""
TRAITS: Final = {name: trait for name, trait in CANDIDATES.items() if name in learned().tests}
"""The tests: those declared that stood the audit when the weights were learned."""
MEANINGS: Final = {name: trait.meaning for name, trait in TRAITS.items()}
OTHERS: Final = "OTHER_TESTS"
"""The name under which a header adds up the tests that it has no room for."""
_MEASURES: Final[dict[str, tuple[Sequence[int], Sequence[str]]]] = {
    measure.name: (measure.at, [name for name, _ in measure.tests()])
    for family in FAMILIES
    for measure in family.measures
}
_NAMES: Final = Answers({name: name for name in CANDIDATES}, _MEASURES)
_WEIGHED: Final = Answers(
    {name: (name, weight) for name in TRAITS if (weight := learned().tests[name].weight)}, _MEASURES
)


def found_in(message: Message) -> list[str]:
    """Return the names of all that is declared and that a message hits, in that order. Never raises."""
    return _NAMES.of(*_look(Letter(message, everything=True)))


def weighed(message: Message) -> list[tuple[str, float]]:
    """Return the tests that a message hits, with their weights in score points. Never raises."""
    return _WEIGHED.of(*_look(Letter(message)))


def _look(letter: Letter) -> tuple[set[str], Numbers]:
    numbers: Numbers = {}
    found: set[str] = set()
    for family in FAMILIES:
        found.update(family.look(letter, numbers))
    return found, numbers
