"""`tamis image`, from files to known images and back."""

import json
from pathlib import Path

import pytest

from tamis import limits
from tamis.cli import main
from tests.cli.test_complaints import Site
from tests.images.drawn import PILLS, bomb, drawn, letter, qr, saved, speckled

pytestmark = pytest.mark.slow


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Site:
    return Site(tmp_path, capsys)


def test_learned_listed_looked_at_and_taken_back(site: Site) -> None:
    assert site.run("image list --json") == (0, "[]\n", "")
    spam, honest = site.file("spam.png", saved(drawn())), site.file("logo.png", saved(drawn(("My Bank",))))
    assert site.run("image learn", spam, "--by", "ann", "--note", "pills") == (
        0,
        f"{spam}: 1 learned, 1 of them new\n",
        "",
    )
    (row,) = json.loads(site.run("image list --json")[1])
    assert (row["state"], row["learned_by"], row["note"], row["messages"]) == ("known", "ann", "pills", 1)
    assert row["says"].startswith("Canadian pharmacy online")
    varied = site.file("varied.gif", saved(speckled(drawn(ink="navy")), "GIF"))
    (looked,) = json.loads(site.run("image look --json", varied)[1])
    assert f"known spam image {row['id'][:12]} (looks the same, " in looked["known"]
    assert PILLS[2].split()[1] in looked["text"]
    assert "known" not in site.run("image look", honest)[1]
    assert site.run("image forget", row["id"][:8]) == (0, f"taken back: {row['id']}\n", "")
    assert "known:" not in site.run("image look", varied)[1]
    assert json.loads(site.run("image list --json")[1]) == []
    assert site.run("image accept", row["id"]) == (0, f"known: {row['id']}\n", "")
    assert row["id"][:12] in site.run("image list --state all")[1]


def test_of_a_message_what_says_something(site: Site) -> None:
    file = site.file("spam.eml", letter(saved(drawn()), saved(drawn(("My Bank",)))))
    (report,) = json.loads(site.run("image learn --json", file)[1])
    assert (len(report["images"]), report["new"], report["trouble"]) == (1, 1, "")
    status, out, _ = site.run("image learn", site.file("letter.eml", b"Subject: x\n\nhello\n"))
    assert (status, "no image that says 8 words" in out) == (1, True)


def test_a_code_is_shown(site: Site) -> None:
    out = site.run("image look", site.file("code.png", saved(qr("https://prize.example/x"))))[1]
    assert "  codes: https://prize.example/x\n" in out


def test_what_cannot_be_decoded(site: Site) -> None:
    status, out, _ = site.run("image learn", site.file("bomb.png", bomb(20_000, 10_000)))
    assert (status, "20,000 x 10,000 pixels" in out) == (1, True)


def test_bad_input(site: Site) -> None:
    assert site.run("image forget ab") == (2, "", "tamis: ab: no image has an id that begins so\n")
    assert site.run("image list --limit 0")[0] == 2
    assert site.run("image learn", str(site.folder / "none.png"))[0] == 1
    large = site.file("large.png", bytes(limits.MESSAGE_BYTES + 1))
    assert site.run("image learn", large) == (2, "", f"tamis: {large} has more than 4,194,304 octets\n")


def test_a_missing_tesseract_is_warned_of(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.configure('[images]\ntesseract = "/nonexistent/tesseract"\n[policy]\nmode = "observe"\n')
    assert main(["check-config", str(site.folder / "tamis.toml")]) == 0
    err = capsys.readouterr().err
    assert "images.tesseract: /nonexistent/tesseract is not installed: row 21 knows images by their looks alone" in err
