"""What the tests of a real Postfix share."""

from collections.abc import Iterator

import pytest

from tamis.postfix.instance import PostfixUnavailable, PrivatePostfix, require_postfix


@pytest.fixture(scope="session")
def can_run_postfix() -> None:
    """Skip, saying why, where a private Postfix cannot run."""
    try:
        require_postfix()
    except PostfixUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def plain_postfix(can_run_postfix: None) -> Iterator[PrivatePostfix]:
    """One Postfix without a milter for the whole session."""
    with PrivatePostfix(aliases={"team@example.org": "ann@example.org, bob@example.org"}) as postfix:
        yield postfix
