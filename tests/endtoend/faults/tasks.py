"""A limit to the tasks of some processes and of all that they start, as TasksMax= of a systemd unit is one."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_MOUNTED: Final = (Path("/sys/fs/cgroup/pids"), Path("/sys/fs/cgroup"))
"""Where the controller `pids` is: of the first version of control groups, and of the second."""


class CannotLimit(Exception):
    """The system lets us make no control group."""


def descendants(pid: int) -> list[int]:
    """A process, all that it has started, and what these have."""
    found = [pid]
    with suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            children = Path(f"/proc/{pid}/task/{task}/children").read_text().split()
            found += [one for child in children for one in descendants(int(child))]
    return found


@contextmanager
def no_more_tasks(pids: Sequence[int]) -> Iterator[None]:
    """Let these start no thread and no process. Raises `CannotLimit`."""
    group = _group()
    home = Path(*group.parts[:-1])
    try:
        _move(pids, group)
        (group / "pids.max").write_text((group / "pids.current").read_text())
        yield
    finally:
        (group / "pids.max").write_text("max")
        _move(map(int, (group / "cgroup.procs").read_text().split()), home)
        group.rmdir()


def _group() -> Path:
    group = Path(f"tamis-tests-{os.getpid()}")
    for home in _MOUNTED:
        with suppress(OSError):
            (home / group).mkdir()
            if (home / group / "pids.max").exists():
                return home / group
            (home / group).rmdir()
    raise CannotLimit("no control group for pids")


def _move(pids: Sequence[int] | Iterator[int], group: Path) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):  # It has ended.
            (group / "cgroup.procs").write_text(str(pid))
