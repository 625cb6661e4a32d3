"""Which messages of the corpora the shipped model, and one built without a source, learn."""

from pathlib import Path

import pytest

from tamis.models.build_default import Shipped, _source
from tamis.models.build_traits import _sources


@pytest.mark.parametrize(
    ("left_out", "learned"),
    [
        ([], ["list/1", "list/2", "lists/3"]),
        (["modern/list"], ["lists/3"]),
        (["modern/list/", "modern/lists"], []),
        (["other/list"], ["list/1", "list/2", "lists/3"]),
    ],
)
def test_what_is_left_out(tmp_path: Path, left_out: list[str], learned: list[str]) -> None:
    corpus = tmp_path / "modern"
    for name in ("list/1", "list/2", "lists/3", "unfree/4"):
        (corpus / name).parent.mkdir(parents=True, exist_ok=True)
        (corpus / name).write_bytes(b"Subject: x\n\nx\n")
    names = ("list/1", "list/2", "lists/3", "unfree/4")
    (corpus / "index.tsv").write_text("".join(f"ham\t{name}\n" for name in names))
    source = _source(Shipped("modern", one_server=False, without="unfree/"), tmp_path, tmp_path, left_out)
    assert [entry.name for entry in source.entries] == learned


@pytest.mark.parametrize(
    ("left_out", "learned"),
    [
        ([], 6),
        (["modern/foff-milter"], 5),
        (["modern"], 4),
    ],
)
def test_weights_are_learned_by_what_stays_when_a_folder_or_a_corpus_is_left_out(
    left_out: list[str], learned: int
) -> None:
    names = _sources(left_out).keys()
    assert len(names) == learned
    assert not {*left_out} & {*names}
    assert not any("phishing_pot" in name for name in names)
