"""What the demo says of each message is what its index expects."""

from pathlib import Path

import pytest

from tamis.postfix.instance import PostfixUnavailable, PrivatePostfix, require_postfix
from tamis.postfix.served import RunningTamis

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.servers
def test_verdicts_are_those_of_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        require_postfix()
    except PostfixUnavailable as error:
        pytest.skip(str(error))
    monkeypatch.syspath_prepend(str(ROOT))
    from demo.__main__ import send
    from demo.samples import written_for_the_demo

    settings = (ROOT / "demo" / "tamis.toml").read_text("utf-8")
    with RunningTamis(settings) as tamis, PrivatePostfix(tamis.milter, domains=["static:accepted"]) as postfix:
        outcomes = {outcome.sample.file: outcome for outcome in send(postfix, written_for_the_demo())}
    wrong = {
        file: outcome.verdict for file, outcome in outcomes.items() if outcome.sample.expect not in outcome.verdict
    }
    assert wrong == {}
    assert [len(outcome.arrived) for outcome in outcomes.values()] == [
        len(outcome.sample.recipients) for outcome in outcomes.values()
    ]
    assert outcomes["outgoing.eml"].verdict == outcomes["outgoing.eml"].field("X-Ico-Bay") == ""
    forged = outcomes["forged-headers.eml"].copy
    assert forged is not None
    assert b"-99" not in forged.raw.split(b"\nReceived:")[0]
    assert [len(forged.fields(name)) for name in ("X-Ico-Bay", "X-Spam-Status", "X-Tamis-Verdict")] == [1, 1, 1]
    assert forged.header("X-Icodia-SpamFilter-WL") is None
