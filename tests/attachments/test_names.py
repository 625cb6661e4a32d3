"""What file names say and hide."""

import pytest

from tamis.attachments import names


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("a.EXE", "exe"),
        ("a.exe. . ", "exe"),
        ("a.tar.gz", "gz"),
        ("a", ""),
        (".", ""),
        ("", ""),
        ("rep\u202etxt.exe", "exe"),
        ("a.exe\u202e", "exe"),
        ("x" * 100_000, ""),
    ],
)
def test_ending(name: str, ending: str) -> None:
    assert names.ending(name) == ending


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("invoice.pdf.exe", True),
        ("Rechnung.DOC.js", True),
        ("scan.pdf .scr", True),
        ("a.zip.exe", True),
        ("setup.exe", False),
        ("v1.2.exe", False),
        ("a.tar.gz", False),
        ("a.exe.pdf", False),
    ],
)
def test_double(name: str, found: bool) -> None:
    assert names.is_double(name) is found


def test_reversed() -> None:
    assert names.is_reversed("cod\u202efdp.exe")
    assert not names.is_reversed("\u200fשלום.pdf")


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u3000", "_", "\u2800"])
def test_padded(space: str) -> None:
    assert names.is_padded(f"invoice.pdf{20 * space}.exe")
    assert not names.is_padded(f"invoice{2 * space}.pdf")
