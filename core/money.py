"""Money: a whole number of minor units with its asset."""

from dataclasses import dataclass

#: The largest integer that every JSON reader keeps exactly (2^53 - 1), so that is the largest amount on the wire.
MAX_AMOUNT_MINOR = 2**53 - 1

#: Points are an asset of the same ledger as cash; they have no minor units.
POINTS = "PTS"

#: The money of sandboxes, worth nothing: ISO 4217 keeps this code for testing.
SANDBOX = "XTS"


@dataclass(frozen=True, slots=True)
class Money:
    """`amount_minor` of `currency`: Money(1250, "GBP") is 12.50 pounds."""

    amount_minor: int
    currency: str

    def __str__(self) -> str:
        return (
            f"{self.amount_minor / 100:,.2f} {self.currency}"
            if self.currency != POINTS
            else f"{self.amount_minor} points"
        )


def share(amount_minor: int, *, bps: int) -> int:
    """`bps` basis points of an amount, rounded half to even: 1 050 at 250 bps is 26, not 26.25."""
    whole, rest = divmod(amount_minor * bps, 10_000)
    if rest > 5_000 or (rest == 5_000 and whole % 2):
        whole += 1
    return whole
