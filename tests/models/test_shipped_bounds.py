"""What the command that builds the shipped model lets into it: nothing that stood in few messages, or in one source."""

import pytest

from tamis.message import Message
from tamis.models import build_default
from tamis.models.bayes import Model
from tamis.models.features import HEADER, families, view_slice

pytestmark = pytest.mark.slow

MESSAGES = 40
"""Of each source: enough for a word of one source to be frequent."""
IN_MESSAGES = {
    "widespread": {"trec07p-first20k": 12, "spamassassin": 8},
    "toorare": {"trec07p-first20k": 12, "spamassassin": 7},
    "onesource": {"trec07p-first20k": 40},
    "everywhere": {source.name: 10 for source in build_default.SOURCES},
    "forbidden": {"modern": 40, "trec07p-first20k": 20},
}
"""In how many messages of which source each word stands; of `modern` those may not be learned."""


def _mail(source: str, number: int) -> bytes:
    said = " ".join(word for word, where in IN_MESSAGES.items() if number < where.get(source, 0))
    unlike = "".join(chr(97 + int(digit)) for digit in f"{number:03}")
    return (
        f"Received: from relay.{source}.example by mx; Mon, 2 Nov 2026\nFrom: a{number}@{source}.example\n"
        f"Subject: letter\nMessage-ID: <{number}@{source}.example>\n\n{said} {unlike}{source.replace('-', '')}\n"
    ).encode()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("corpora")
    for source in build_default.SOURCES:
        (folder / source.name / "phishing_pot").mkdir(parents=True)
        index = []
        for number in range(MESSAGES):
            path = f"phishing_pot/{number}" if source.without else str(number)
            (folder / source.name / path).write_bytes(_mail(source.name, number))
            index.append(f"{'spam' if number % 2 else 'ham'}\t{path}\n")
        if source.without:
            (folder / source.name / "own").write_bytes(_mail(source.name, MESSAGES + 1))
            index.append("ham\town\n")
        (folder / source.name / "index.tsv").write_text("".join(index))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(build_default.CORPORA, str(folder))
        assert build_default.main(["-o", str(folder / "model")]) == 0
    return Model.load(folder / "model")


def _seen(model: Model, word: str) -> int:
    """In how many messages the model knows a word to have stood."""
    message = Message(f"\n\n{word}".encode())
    (index,) = {index for one in families(message) if one.kind == "word" for index in one.indices.tolist()}
    return int(model.counts[:, index].sum())


def test_a_word_of_20_messages_and_2_sources_is_known(built: Model) -> None:
    assert _seen(built, "widespread") == 20
    assert _seen(built, "everywhere") == 40, "all but what may not be learned"


@pytest.mark.parametrize("word", ["toorare", "onesource"])
def test_a_word_of_fewer_messages_or_of_one_source_is_not(built: Model, word: str) -> None:
    assert _seen(built, word) == 0


def test_what_may_not_be_learned_is_no_source(built: Model) -> None:
    assert _seen(built, "forbidden") == 0


def test_neither_layer_knows_what_is_left_out_and_no_header_is_known(built: Model) -> None:
    known = built.counts.any(axis=0)
    assert known.any()
    assert not built.correction.weights[~known].any()
    assert not known[view_slice(HEADER)].any()
