"""Measurements whose figures stand in docs/; each module is a program: ``python -m benchmarks.NAME --help``."""
