"""A value that is computed once, and keeps nobody else waiting."""

import threading
from pathlib import Path

from tamis.once import once

ROOT = Path(__file__).parents[2]


class Counted:
    def __init__(self, go: threading.Event | None = None) -> None:
        self.times = 0
        self.go, self.begun = go, threading.Event()

    @once
    def value(self) -> int:
        """How many times it was computed."""
        self.times += 1
        self.begun.set()
        if self.go is not None:
            self.go.wait(30)
        return self.times


def test_it_is_computed_once_for_each_object() -> None:
    one, other = Counted(), Counted()
    assert (one.value, one.value, other.value) == (1, 1, 1)
    assert one.times == other.times == 1


def test_it_is_documented() -> None:
    assert Counted.value.__doc__ == "How many times it was computed."


def test_one_object_that_waits_keeps_no_other_waiting() -> None:
    go = threading.Event()
    slow = Counted(go)
    waiting = threading.Thread(target=lambda: slow.value)
    waiting.start()
    assert slow.begun.wait(30)
    assert Counted().value == 1
    assert waiting.is_alive()
    go.set()
    waiting.join(30)
    assert slow.value == 1


def test_nothing_uses_what_locks_all_objects_of_a_class() -> None:
    folders = ("tamis", "filters", "milter", "models", "quarantine", "web")
    files = {path.resolve() for folder in folders for path in (ROOT / folder).rglob("*.py")}
    assert len(files) > 100
    users = [path.name for path in files if "import cached_property" in path.read_text("utf-8")]
    assert users == []
