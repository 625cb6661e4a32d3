"""Labelled mail is found in every form it comes in, and what is none is said in one line."""

from pathlib import Path

import pytest

from tamis.models.corpus import CorpusError, entries_at, entries_of, messages_in

ONE = b"From: a@example.org\nSubject: one\n\nfirst\n"
TWO = b"From: b@example.org\nSubject: two\n\nsecond\n>From here on\n"


def test_index_with_relative_and_absolute_paths(tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "1").write_bytes(ONE)
    (tmp_path / "2").write_bytes(TWO)
    index = tmp_path / "any-name"
    index.write_text(f"ham\tmail/1\nspam\t{tmp_path / '2'}\textra column\n\n")
    found = entries_of(index)
    assert [(entry.spam, entry.name, entry.read()) for entry in found] == [
        (False, "mail/1", ONE),
        (True, str(tmp_path / "2"), TWO),
    ]


def test_folder_with_index(index: Path) -> None:
    assert len(entries_of(index.parent)) == 80


def test_folders_ham_and_spam(tmp_path: Path) -> None:
    for label, raw in (("ham", ONE), ("spam", TWO)):
        (tmp_path / label / "deeper").mkdir(parents=True)
        (tmp_path / label / "deeper" / "1.eml").write_bytes(raw)
    assert [(entry.spam, entry.read()) for entry in entries_of(tmp_path)] == [(False, ONE), (True, TWO)]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_mbox(tmp_path: Path, newline: bytes) -> None:
    mbox = tmp_path / "box"
    separator = b"From a@example.org Mon Nov  2 10:00:00 2026\n"
    mbox.write_bytes((separator + ONE + b"\n" + separator + TWO).replace(b"\n", newline))
    found = entries_at(mbox, "spam")
    assert [(entry.spam, entry.name) for entry in found] == [(True, f"{mbox}:1"), (True, f"{mbox}:2")]
    assert found[0].read().replace(b"\r\n", b"\n") == ONE + b"\n"
    assert b"\nFrom here on" in found[1].read().replace(b"\r\n", b"\n")


def test_one_message_with_separator_is_one_message(tmp_path: Path) -> None:
    file = tmp_path / "1"
    file.write_bytes(b"From a@example.org Mon Nov  2 10:00:00 2026\n" + ONE)
    (entry,) = entries_at(file, "ham")
    assert entry.name == str(file)


def test_maildir(tmp_path: Path) -> None:
    for name in ("cur", "new", "tmp"):
        (tmp_path / name).mkdir()
    (tmp_path / "cur" / "1:2,S").write_bytes(ONE)
    (tmp_path / "new" / "2").write_bytes(TWO)
    (tmp_path / "tmp" / "3").write_bytes(b"not yet")
    (tmp_path / "dovecot-uidlist").write_bytes(b"not mail")
    assert [entry.read() for entry in entries_at(tmp_path, "ham")] == [ONE, TWO]


def test_a_folder_of_maildirs_gives_mail_alone(tmp_path: Path) -> None:
    for name in ("Junk", "Work"):
        for folder in ("cur", "new", "tmp"):
            (tmp_path / name / folder).mkdir(parents=True)
    (tmp_path / "Junk" / "cur" / "1").write_bytes(ONE)
    (tmp_path / "Work" / "new" / "2").write_bytes(TWO)
    (tmp_path / "Work" / "tmp" / "3").write_bytes(b"not yet")
    for beside in ("dovecot.index.log", "maildirfolder", "subscriptions", "dovecot-uidlist"):
        (tmp_path / "Work" / beside).write_bytes(b"not mail")
    assert [entry.read() for entry in entries_at(tmp_path, "ham")] == [ONE, TWO]
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "4").write_bytes(ONE)
    assert [entry.read() for entry in entries_at(tmp_path / "tmp", "ham")] == [ONE]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("ham mail/1\n", ":1: expected"),
        ("ham\tx\nmaybe\tx\n", ":2: expected"),
        ("ham\t\n", ":1: expected"),
        ("", "holds no"),
    ],
)
def test_bad_index(tmp_path: Path, content: str, said: str) -> None:
    index = tmp_path / "index.tsv"
    index.write_text(content)
    with pytest.raises(CorpusError, match=said) as raised:
        entries_of(index)
    assert "\n" not in str(raised.value)


def test_bad_places(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no such file"):
        entries_of(tmp_path / "nowhere")
    with pytest.raises(CorpusError, match="neither"):
        entries_of(tmp_path)
    with pytest.raises(CorpusError, match="no such file"):
        entries_at(tmp_path / "nowhere", "ham")
    with pytest.raises(CorpusError, match="holds no message"):
        entries_at(tmp_path, "ham")
    index = tmp_path / "i"
    index.write_text("ham\tmissing\n")
    with pytest.raises(CorpusError, match="missing: No such file"):
        entries_of(index)[0].read()


def test_a_first_line_that_only_looks_like_a_separator(tmp_path: Path) -> None:
    odd = tmp_path / "odd"
    odd.write_bytes(b"From the archive\n" + ONE)
    (entry,) = entries_at(odd, "ham")
    assert entry.read().endswith(ONE)


def test_messages_in_octets() -> None:
    separator = b"From a@example.org Mon Nov  2 10:00:00 2026\n"
    assert list(messages_in(ONE)) == [ONE]
    assert list(messages_in(separator + ONE)) == [ONE]
    first, second = messages_in(separator + ONE + b"\n" + separator + TWO)
    assert first == ONE + b"\n"
    assert second.endswith(b"\nFrom here on\n")
    assert list(messages_in(b"")) == [b""]
