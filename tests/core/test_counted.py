"""What is counted in compiled code is what Python counts."""

from hypothesis import given
from hypothesis import strategies as st

from tamis import counted

BESIDES = "\u00ad\u200b\ufeff"


@given(st.text(st.sampled_from("ab é漢\U0001f600\t\n\x1c\x85\xa0\u2028\u200b\u00ad\ufeff\ud800")) | st.text())
def test_solid(text: str) -> None:
    without = text.translate(dict.fromkeys(map(ord, BESIDES)))
    assert counted.solid(text, BESIDES) == sum(map(len, without.split()))
