"""Tamis: an antispam engine for Postfix that says why."""

__version__ = "0.1.0"
