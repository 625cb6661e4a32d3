"""What the tests of the core share: filters put into rows."""

import dataclasses

import pytest

from tamis import examination, refusal
from tamis.filters import order
from tests.core.probes import Place, Probe


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """Put filters in the rows of those names."""

    def place(**filters: Probe) -> None:
        for key, instance in filters.items():
            name = key.replace("_", "-")
            instance.name = name  # type: ignore[misc]
            known: tuple[order.Row, ...] = vars(examination)["ORDER"]
            rows = tuple(dataclasses.replace(row, filter=type(instance)) if row.name == name else row for row in known)
            for module in (examination, refusal):
                monkeypatch.setattr(module, "ORDER", rows)
            monkeypatch.setitem(examination.FILTERS, name, instance)

    return place
