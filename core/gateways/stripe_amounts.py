"""Amounts as Stripe counts them, where that is not as ISO 4217 does.

source  https://docs.stripe.com/currencies (zero-decimal, three-decimal, special cases), read 2026-11
"""

#: Zero decimals by ISO 4217, two at Stripe: 5 krónur are 500.
_TWO_DECIMALS_THERE = frozenset({"ISK"})
#: Card networks take two decimals of the three: the last digit must be 0.
_LAST_DIGIT_ZERO = frozenset({"BHD", "JOD", "KWD"})


def to_stripe(amount_minor: int, currency: str) -> int | None:
    """Our minor units in Stripe's; None for an amount that cards cannot be charged."""
    if currency in _TWO_DECIMALS_THERE:
        return amount_minor * 100
    if currency in _LAST_DIGIT_ZERO and amount_minor % 10:
        return None
    return amount_minor


def from_stripe(amount: int, currency: str) -> int:
    """Stripe's units in ours; a part of ours is rounded up, since what was taken from us is covered."""
    return -(-amount // 100) if currency in _TWO_DECIMALS_THERE else amount
