"""Cutting work into transactions of a bearable size."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def of(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in order, `size` at a time; the last batch may be shorter."""
    waiting = iter(items)
    while batch := list(islice(waiting, size)):
        yield batch
