"""The compiled modules, which setuptools reads from pyproject.toml as an experiment only."""

from setuptools import Extension, setup

COMPILED = {
    "tamis.header_split": "tamis/header_split.pyx",
    "tamis.models.native": "models/native.pyx",
}

_FLAGS = {"extra_compile_args": ["-O3", "-g0"], "extra_link_args": ["-s"]}

setup(ext_modules=[Extension(name, [source], **_FLAGS) for name, source in COMPILED.items()])
