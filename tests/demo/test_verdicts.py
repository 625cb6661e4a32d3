"""What the demo says of each message is what its index expects."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tamis.message import Message
from tamis.postfix.instance import PostfixUnavailable, require_postfix

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.servers
def test_verdicts_are_those_of_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        require_postfix()
    except PostfixUnavailable as error:
        pytest.skip(str(error))
    monkeypatch.syspath_prepend(str(ROOT))
    from demo.__main__ import send, site
    from demo.samples import written_for_the_demo

    with ExitStack() as running:
        tamis, postfix = map(running.enter_context, site())
        outcomes = {outcome.sample.file: outcome for outcome in send(postfix, tamis, written_for_the_demo())}
    wrong = {
        file: outcome.verdict for file, outcome in outcomes.items() if outcome.sample.expect not in outcome.verdict
    }
    assert wrong == {}
    assert [len(outcome.arrived) + len(outcome.held) for outcome in outcomes.values()] == [
        len(outcome.sample.recipients) for outcome in outcomes.values()
    ]
    assert [one.recipient for one in outcomes["held-spam.eml"].held] == ["hugo@held.example"]
    parted = outcomes["two-policies.eml"]
    assert [one.recipient for one in parted.held] == ["hugo@held.example"]
    verdicts = {one.address: Message(one.content).header("X-Tamis-Verdict") or "" for one in parted.arrived}
    assert {address: verdict.split("action=")[1].split(";")[0] for address, verdict in verdicts.items()} == {
        "ann@example.org": "tag",
        "eve@observe.example": "observe",
        "june@junk.example": "junk",
    }
    assert outcomes["outgoing.eml"].verdict == outcomes["outgoing.eml"].field("X-Ico-Bay") == ""
    forged = outcomes["forged-headers.eml"].copy
    assert forged is not None
    assert b"-99" not in forged.raw.split(b"\nReceived:")[0]
    assert [len(forged.fields(name)) for name in ("X-Ico-Bay", "X-Spam-Status", "X-Tamis-Verdict")] == [1, 1, 1]
    assert forged.header("X-Icodia-SpamFilter-WL") is None
