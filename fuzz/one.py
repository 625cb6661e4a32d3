"""Fuzz one target in this process: `python -m fuzz.one TARGET FOLDER OPTION...`, options as libFuzzer has them.

What was learned to be interesting is kept in FOLDER; a finding is written beside it, and ends the process.
"""

import sys

import atheris

with atheris.instrument_imports(include=["tamis"]):
    from fuzz import targets


def main() -> None:
    name, folder, *options = sys.argv[1:]
    one = targets.TARGETS[name]
    with atheris.instrument_imports(include=["tamis"]):
        targets.prepare(name)
    atheris.Setup(
        [sys.argv[0], f"-artifact_prefix={folder}-finding-", f"-timeout={targets.SECONDS}", *options, folder], one
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
