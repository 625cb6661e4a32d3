"""A value of an object that is computed when it is first asked for, and kept.

`functools.cached_property` does that too, but until Python 3.12 it holds one lock for all objects of a class while it
computes: a message that waited for the DNS there kept every other message of the process from asking.
"""

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

T = TypeVar("T")


class once(Generic[T]):  # noqa: N801 - it is written as a decorator, like property
    """Decorates a method without arguments. Two threads in the same moment may both compute; one value stays."""

    def __init__(self, function: Callable[[Any], T]) -> None:
        self._function = function
        self._name = function.__name__
        self.__doc__ = function.__doc__

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> Self | T:
        if instance is None:
            return self
        # Found there from now on: what has no __set__ gives way to the object's own dictionary.
        value: T = self._function(instance)
        return instance.__dict__.setdefault(self._name, value)  # type: ignore[no-any-return]
