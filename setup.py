"""The compiled modules, which setuptools reads from pyproject.toml as an experiment only."""

import os

from setuptools import Extension, setup

COMPILED = {
    "tamis.counted": "tamis/counted.pyx",
    "tamis.header_split": "tamis/header_split.pyx",
    "tamis.models.native": "models/native.pyx",
    "tamis.rules.folder": "tamis/rules/folder.pyx",
    "tamis.rules.spots": "tamis/rules/spots.pyx",
    "tamis.traits.answers": "tamis/traits/answers.pyx",
    "tamis.traits.forms": "tamis/traits/forms.pyx",
    "tamis.traits.native": "tamis/traits/native.pyx",
    "tamis.traits.phrases": "tamis/traits/phrases.pyx",
}

_SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize=alignment"]
_FLAGS = {"extra_compile_args": ["-O3", "-g0"], "extra_link_args": ["-s"]}
if os.environ.get("TAMIS_SANITIZE"):  # scripts/sanitize.sh
    _FLAGS = {"extra_compile_args": ["-O1", "-g", "-fno-omit-frame-pointer", *_SANITIZE], "extra_link_args": _SANITIZE}

setup(ext_modules=[Extension(name, [source], **_FLAGS) for name, source in COMPILED.items()])
