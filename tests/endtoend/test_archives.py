"""An archive that Postfix feeds (always_bcc and the like) gets one copy of a message at most."""

import uuid
from collections.abc import Iterator, Sequence

import pytest

from tests.endtoend.site import SPAMMER, Site, domains, letter, policies, running

pytestmark = pytest.mark.servers

ARCHIVE = "archive@archive.example"
SETTINGS = {
    "always_bcc": {"always_bcc": ARCHIVE},
    "sender_bcc_maps": {"sender_bcc_maps": f"inline:{{ {{ x@sender.example = {ARCHIVE} }} }}"},
    "recipient_bcc_maps": {"recipient_bcc_maps": f"static:{ARCHIVE}"},
}
CASES = {
    "nobody is held": (["a@tag.example"], 1),
    "parted": (["a@tag.example", "b@tag.example", "c@junk.example", "d@plain.example", "e@observe.example"], 1),
    "some are held": (["a@quarantine.example", "b@tag.example", "c@junk.example", "d@quarantine.example"], 1),
    # Postfix drops the message altogether, as it does whenever a milter discards one.
    "all are held": (["a@quarantine.example", "b@quarantine.example"], 0),
}


@pytest.fixture(scope="module", params=SETTINGS.values(), ids=SETTINGS)
def site(request: pytest.FixtureRequest, can_run_postfix: None) -> Iterator[Site]:
    with running(policies("example"), sunk=domains("example"), settings=request.param) as one:
        yield one


@pytest.mark.parametrize(("recipients", "archived"), CASES.values(), ids=CASES)
def test_one_copy_at_most(site: Site, recipients: Sequence[str], archived: int) -> None:
    reply = site.deliver(letter(uuid.uuid4().hex), "x@sender.example", recipients, peer=SPAMMER)
    got = [copy.recipient for copy in site.arrived()]
    held = site.held(reply.queue_id)
    site.release(*held.values())
    got += [copy.recipient for copy in site.arrived()]
    assert got.count(ARCHIVE) == archived
    assert sorted(one for one in got if one != ARCHIVE) == recipients
