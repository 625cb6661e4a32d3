"""The history of decisions: what was decided of every message and why, found by address or id (docs/history.md)."""
