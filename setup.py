"""The compiled modules, which setuptools reads from pyproject.toml as an experiment only."""

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

_FLAGS = {"extra_compile_args": ["-O3", "-g0"], "extra_link_args": ["-s"]}

setup(ext_modules=[Extension(name, [source], **_FLAGS) for name, source in COMPILED.items()])
