"""What every room holds on customers, by the wiring's list: rooms above are never imported."""

from collections.abc import Sequence

from core.holdings import Holder, Parting

_holders: Sequence[Holder] = ()


def register(holders: Sequence[Holder]) -> None:
    """Take the rooms, in the order in which a customer is erased from them: what leans on another room first."""
    global _holders
    _holders = holders


def partings() -> list[tuple[str, Parting]]:
    """By room, what happens as an erasure begins."""
    return [(holder.room, holder.parting) for holder in holders() if holder.parting is not None]


def holders() -> Sequence[Holder]:
    """raises  RuntimeError where nobody registered any: an erasure that asks no room would look like one"""
    if not _holders:
        raise RuntimeError("answers.register(holders) comes before any export or erasure")
    return _holders
