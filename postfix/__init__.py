"""Postfix beside Tamis: pieces for an existing MTA, and a private instance for demo and tests."""
