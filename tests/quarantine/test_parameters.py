"""Which parameters of a message go with its copies."""

import pytest

from tamis.quarantine.parameters import of_leg, of_mail, of_rcpt, without_success


def test_what_concerns_one_connection_stays_behind() -> None:
    said = ["SIZE=1234", "BODY=8BITMIME", "SMTPUTF8", "AUTH=<>", "ret=HDRS", "ENVID=QQ+2B"]
    assert of_mail(said) == "BODY=8BITMIME SMTPUTF8 ret=HDRS ENVID=QQ+2B"
    assert of_rcpt(["NOTIFY=NEVER", "orcpt=rfc822;a+2B@b", "RRVS=2026"]) == "NOTIFY=NEVER orcpt=rfc822;a+2B@b"


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("", ""),
        ("NOTIFY=SUCCESS", "NOTIFY=NEVER"),
        ("NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a@b", "NOTIFY=FAILURE ORCPT=rfc822;a@b"),
        ("notify=delay,success", "notify=delay"),
        ("NOTIFY=FAILURE,DELAY", "NOTIFY=FAILURE,DELAY"),
        ("NOTIFY=NEVER", "NOTIFY=NEVER"),
        ("ORCPT=rfc822;success@b", "ORCPT=rfc822;success@b"),
    ],
)
def test_no_notice_of_success(said: str, left: str) -> None:
    assert without_success(said) == left


@pytest.mark.parametrize(
    ("said", "recipient", "left"),
    [
        ("", "team@b.example", "ORCPT=rfc822;team@b.example"),
        ("NOTIFY=NEVER", "team@b.example", "NOTIFY=NEVER ORCPT=rfc822;team@b.example"),
        ("orcpt=rfc822;x@y", "team@b.example", "orcpt=rfc822;x@y"),
        ("", '"a b"+c=d@b.example', 'ORCPT=rfc822;"a+20b"+2Bc+3Dd@b.example'),
        ("NOTIFY=NEVER", "jürgen@b.example", "NOTIFY=NEVER"),
    ],
)
def test_a_report_on_a_leg_names_the_recipient(said: str, recipient: str, left: str) -> None:
    assert of_leg(said, recipient) == left
