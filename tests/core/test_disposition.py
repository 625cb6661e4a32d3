"""What becomes of each recipient's copy."""

from collections.abc import Iterable, Mapping, Sequence

import pytest

from tamis.destinations import Destination, DestinationUnknown, Kind
from tamis.disposition import Disposition, dispose
from tamis.filters.order import BY_NAME
from tamis.headers import SPAM_FLAG
from tamis.mail import Mail
from tamis.message import Message
from tamis.record import Record, Verdict
from tamis.settings import Headers

SPAM = BY_NAME["blacklisted-sender"]


def verdict(recipient: str, action: str = "deliver", **more: object) -> Verdict:
    spam = action in ("tag", "junk", "hold", "observe")
    values: dict[str, object] = {
        "recipient": recipient,
        "spam": spam,
        "action": action,
        "mode": action,
        "level": 7.5,
        "score": 1000,
        "tests": (("BAYES", 1000),),
        "row": SPAM if spam else None,
        "test": "BL_SENDER" if spam else "",
        "because": "sender matches" if spam else "",
    }
    return Verdict(**{**values, **more})  # type: ignore[arg-type]


def disposed(
    verdicts: Sequence[Verdict], places: Mapping[str, Destination | DestinationUnknown] | None = None
) -> Disposition:
    def resolve(recipients: Iterable[str]) -> dict[str, Destination | DestinationUnknown]:
        return {one: (places or {}).get(one, Destination(Kind.MAILBOX, (one,))) for one in recipients}

    mail = Mail(
        Message(b"Subject: x\n\ny\n"), sender="a@s.example", recipients=[verdict.recipient for verdict in verdicts]
    )
    return dispose(Record(mail, verdicts=verdicts), Headers(), resolve)


def shape(disposition: Disposition) -> tuple[list[str], list[list[str]], list[str]]:
    """Who stays, who is parted from them, who is held."""
    stay = [one.recipient for one in disposition.stay.verdicts] if disposition.stay else []
    parted = [[one.recipient for one in group.verdicts] for group in disposition.parted]
    return stay, parted, [held.verdict.recipient for held in disposition.held]


def test_recipients_who_agree_share_the_copy_of_the_mta() -> None:
    assert shape(disposed([verdict("a@x"), verdict("b@y")])) == (["a@x", "b@y"], [], [])
    assert shape(disposed([verdict("a@x", "hold"), verdict("b@y", "hold")])) == ([], [], ["a@x", "b@y"])


def test_outgoing_mail_goes_on_as_it_is() -> None:
    disposition = disposed([])
    assert disposition.stay is not None
    assert not disposition.stay.changes.add
    assert not disposition.stay.changes.remove
    assert not disposition.keeps


def test_the_largest_delivering_group_stays() -> None:
    verdicts = [
        verdict("h@x", "hold"),
        verdict("t@x", "tag"),
        verdict("o1@x", "observe"),
        verdict("j@x", "junk"),
        verdict("o2@x", "observe"),
    ]
    disposition = disposed(verdicts)
    assert shape(disposition) == (["o1@x", "o2@x"], [["t@x"], ["j@x"]], ["h@x"])
    assert sorted(disposition.removed) == ["h@x", "j@x", "t@x"]
    assert disposition.stay is not None
    assert disposition.stay.changes.subject is None
    assert disposition.parted[0].changes.subject == "SPAM: x"
    assert (SPAM_FLAG, "YES") in disposition.parted[1].changes.add


def test_ham_in_an_observing_domain_is_no_other_ham() -> None:
    verdicts = [verdict("a@x", mode="observe", action="deliver"), verdict("b@y")]
    assert shape(disposed(verdicts)) == (["a@x", "b@y"], [], [])


def test_another_level_alone_parts_nobody_and_the_lowest_is_printed() -> None:
    disposition = disposed([verdict("a@x", level=9.0), verdict("b@y", level=3.0)])
    assert shape(disposition) == (["a@x", "b@y"], [], [])
    assert disposition.stay is not None
    status = dict(disposition.stay.changes.add)["X-Spam-Status"]
    assert "required=3" in status


@pytest.mark.parametrize(
    "other",
    [
        {"action": "observe"},
        {"let_through": "Whitelisted Peer IP", "row": BY_NAME["whitelisted-ip"], "test": "WL_IP"},
        {"score": 2000, "tests": (("BAYES", 2000),)},
        {"score_headers": False},
    ],
    ids=["spam", "whitelisted", "score", "no score headers"],
)
def test_who_is_told_something_else_gets_a_copy_of_their_own(other: dict[str, object]) -> None:
    action = str(other.pop("action", "deliver"))
    stay, parted, held = shape(disposed([verdict("a@x"), verdict("b@x"), verdict("c@y", action, **other)]))
    assert (stay, parted, held) == (["a@x", "b@x"], [["c@y"]], [])


def test_a_ground_of_another_list_alone_parts_nobody_and_is_not_told() -> None:
    verdicts = [verdict("a@x", "tag", because="on the list of x"), verdict("b@y", "tag", because="on the list of y")]
    disposition = disposed(verdicts)
    assert shape(disposition) == (["a@x", "b@y"], [], [])
    assert disposition.stay is not None
    assert "list of" not in dict(disposition.stay.changes.add)["X-Tamis-Verdict"]


def test_junk_that_is_tagged_too() -> None:
    disposition = disposed([verdict("a@x", "junk", tag=True)])
    assert disposition.stay is not None
    assert disposition.stay.changes.subject == "SPAM: x"
    assert (SPAM_FLAG, "YES") in disposition.stay.changes.add
    assert "action=junk" in dict(disposition.stay.changes.add)["X-Tamis-Verdict"]


REPLICATION = Destination(Kind.REPLICATION, ("test@x",), ("f1@else", "f2@else"))
REDIRECTION = Destination(Kind.REDIRECTION, (), ("f1@else",))


@pytest.mark.parametrize("action", ["tag", "junk"])
def test_spam_stays_in_the_house(action: str) -> None:
    """SPEC, section 3: the local leg gets its copy, outward legs nothing; a pure redirection is held."""
    disposition = disposed([verdict("test@x", action)], {"test@x": REPLICATION})
    assert disposition.stay is None
    (group,) = disposition.parted
    assert group.legs == ("test@x",)
    assert group.verdicts[0].action == action
    (held,) = disposition.held
    assert held.legs == ("f1@else", "f2@else")
    assert "action=hold" in dict(held.fields)["X-Tamis-Verdict"]

    disposition = disposed([verdict("test@x", action)], {"test@x": REDIRECTION})
    assert shape(disposition) == ([], [], ["test@x"])
    assert disposition.held[0].legs == ()


@pytest.mark.parametrize("action", ["observe", "deliver"])
def test_what_is_no_spam_to_be_filed_goes_everywhere(action: str) -> None:
    disposition = disposed([verdict("test@x", action)], {"test@x": REPLICATION})
    assert shape(disposition) == (["test@x"], [], [])


def test_the_option_to_tag_towards_redirections() -> None:
    disposition = disposed([verdict("test@x", "tag", tag_redirections=True)], {"test@x": REDIRECTION})
    assert shape(disposition) == (["test@x"], [], [])


def test_the_option_to_tag_towards_redirections_in_mode_junk() -> None:
    junk = verdict("test@x", "junk", tag_redirections=True)
    disposition = disposed([junk], {"test@x": REDIRECTION})
    assert disposition.stay is not None
    assert disposition.stay.changes.subject == "SPAM: x"
    disposition = disposed([junk], {"test@x": REPLICATION})
    assert [(group.legs, group.verdicts[0].action) for group in disposition.parted] == [
        (("test@x",), "junk"),
        (("f1@else", "f2@else"), "tag"),
    ]


def test_where_nobody_knows_where_it_goes_it_is_held() -> None:
    disposition = disposed([verdict("test@x", "junk")], {"test@x": DestinationUnknown("the alias maps did not answer")})
    assert shape(disposition) == ([], [], ["test@x"])
    assert "the alias maps did not answer" in disposition.held[0].verdict.because


def test_two_replications_share_no_copy() -> None:
    places = {
        "a@x": Destination(Kind.REPLICATION, ("a@x",), ("f@else",)),
        "b@x": Destination(Kind.REPLICATION, ("b@x",), ("f@else",)),
    }
    disposition = disposed([verdict("a@x", "junk"), verdict("b@x", "junk"), verdict("c@x", "junk")], places)
    assert shape(disposition) == (["c@x"], [["a@x"], ["b@x"]], ["a@x", "b@x"])
    assert sorted(disposition.removed) == ["a@x", "b@x"]
