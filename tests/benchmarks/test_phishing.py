"""The measurement of docs/phishing.md counts what it is given."""

from pathlib import Path

import pytest

from benchmarks import phishing

HAM = "From: ann@example.net\nTo: bob@example.org\nSubject: lunch\n\nAt one?\n"
SPAM = "From: PayPal <x@example.net>\nTo: bob@example.org\nSubject: hello\n\nGo to http://198.51.100.7/x now\n"


def test_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "spamassassin"
    folder.mkdir()
    for number, text in enumerate([HAM, HAM, SPAM]):
        (folder / f"{number}.eml").write_text(text)
    (folder / "index.tsv").write_text("ham\t0.eml\nham\t1.eml\nspam\t2.eml\n")
    monkeypatch.setenv("TAMIS_CORPORA", str(tmp_path))
    assert phishing.main(["--corpus", "spamassassin"]) == 0
    printed = capsys.readouterr().out
    assert "| spamassassin, ham | 2 | · | 0.0 | 0 | 0 |\n" in printed
    assert "| spamassassin, spam | 1 | 100.00 | 2.2 |" in printed
    assert "| `FROM_NAME_BRAND` | 1.5 | · | 100.00 |\n" in printed
    assert "| `LINK_DATA` | 1.5 | · | · |\n" in printed


def test_says_that_there_is_nothing_to_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TAMIS_CORPORA", raising=False)
    assert phishing.main([]) == 2
    assert capsys.readouterr().err == "phishing: TAMIS_CORPORA names no folder of corpora\n"
