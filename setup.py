"""The compiled modules, which setuptools reads from pyproject.toml as an experiment only."""

from setuptools import Extension, setup

COMPILED = {
    "tamis.models.native": "models/native.pyx",
    "tamis.traits.answers": "tamis/traits/answers.pyx",
    "tamis.traits.forms": "tamis/traits/forms.pyx",
    "tamis.traits.phrases": "tamis/traits/phrases.pyx",
    "tamis.traits.native": "tamis/traits/native.pyx",
}

_FLAGS = {"extra_compile_args": ["-O3", "-g0"], "extra_link_args": ["-s"]}

setup(ext_modules=[Extension(name, [source], **_FLAGS) for name, source in COMPILED.items()])
