"""What the tests of a whole site share."""

import pytest

from tamis.postfix.dovecot import DovecotUnavailable, require_dovecot
from tamis.postfix.instance import PostfixUnavailable, require_postfix


@pytest.fixture(scope="session")
def can_run_postfix() -> None:
    """Skip, saying why, where a private Postfix cannot run."""
    try:
        require_postfix()
    except PostfixUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def can_run_dovecot() -> None:
    """Skip, saying why, where a private Dovecot cannot run."""
    try:
        require_dovecot()
    except DovecotUnavailable as error:
        pytest.skip(str(error))
