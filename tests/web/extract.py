"""Bring the translations up to what the code and the templates say: `python -m tests.web.extract`.

New texts come without a translation, and a test fails until they have one; texts that are gone are taken out.
"""

from io import SEEK_END, BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[2]
LOCALE = ROOT / "tamis" / "locale"
CODE = ("web", "tamis/letters", "tamis/quota_notice.py")
HEADER = """# What people read, in another language. The texts are brought up to date by: python -m tests.web.extract
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"

"""
_JINJA = {"trim_blocks": "true", "lstrip_blocks": "true"}


def texts() -> dict[str | tuple[str, str], list[str]]:
    """Return every text that is to be translated, one or one and many, with the files it stands in."""
    found: dict[str | tuple[str, str], list[str]] = {}
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*")) or [ROOT / folder]:
            method = {".py": "python", ".html": "jinja2", ".txt": "jinja2"}.get(path.suffix)
            if method is None:
                continue
            name = path.relative_to(ROOT).as_posix()
            keywords: Any = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}
            options = {**_JINJA} if method == "jinja2" else {}
            for _, message, _, _ in extract_from_file(method, path, keywords=keywords, options=options):
                key = (str(message[0]), str(message[1])) if isinstance(message, tuple) else str(message)
                if name not in found.setdefault(key, []):
                    found[key].append(name)
    return found


def written(language: str) -> bytes:
    """Return the file of a language as it should be: the texts there are, with the translations there are."""
    with (LOCALE / f"{language}.po").open("rb") as file:
        known = read_po(file, language)
    new = Catalog(language)
    for key, files in sorted(texts().items(), key=lambda item: (item[1][0], str(item[0]))):
        old = known.get(key if isinstance(key, str) else key[0])
        new.add(key, old.string if old else None, locations=[(name, None) for name in files])
    out = BytesIO(HEADER.encode())
    out.seek(0, SEEK_END)
    write_po(out, new, width=110, omit_header=True)
    return out.getvalue()


if __name__ == "__main__":
    for path in LOCALE.glob("*.po"):
        path.write_bytes(written(path.stem))
