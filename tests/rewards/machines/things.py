"""What the model knows of: campaigns, vouchers, and what was made with them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from rewards.baskets import Line

#: campaign, scope, measure, bucket
Count = tuple[int, str, str, str]


@dataclass(eq=False)
class Campaign:
    """A campaign of coupons."""

    number: int
    discount: dict[str, Any]
    skus: frozenset[str] | None
    budget: int
    terms: dict[str, Any]
    ends_at: datetime
    voucher_days: int | None = None
    is_running: bool = True

    def covered(self, lines: Sequence[Line]) -> list[int]:
        return [at for at, line in enumerate(lines) if self.skus is None or line.sku in self.skus]


@dataclass(eq=False)
class Voucher:
    """campaign: None for a gift card, which has a value"""

    id: UUID
    campaign: Campaign | None
    owner: int | None
    is_generic: bool
    expires_at: datetime | None
    value: int = 0
    used: int = 0
    is_blocked: bool = False

    @property
    def most_uses(self) -> int | None:
        if self.campaign is None or self.is_generic:
            return None
        return int(self.campaign.terms["uses_per_code" if self.owner is None else "limit_per_customer"])


@dataclass(eq=False)
class Use:
    voucher: Voucher
    amount: int
    counted: list[tuple[Count, int]]
    back: int = 0
    stands: bool = True
    #: Set when it is made: the redemption's id, what it took off which line, and what of that has not gone back.
    id: UUID | None = None
    given: dict[int, int] = field(default_factory=dict)
    parts: dict[int, int] = field(default_factory=dict)

    @property
    def left(self) -> int:
        return self.amount - self.back


@dataclass(eq=False)
class Taken:
    """A basket that was checked out, or a voucher redeemed by itself (whose customer may be nobody)."""

    who: int | None
    lines: Sequence[Line]
    uses: list[Use]
    at: datetime
    paid: int = 0
    paid_back: int = 0
    is_checkout: bool = True
    back_of: Counter[int] = field(default_factory=Counter)
    pieces_back: Counter[int] = field(default_factory=Counter)

    @property
    def left(self) -> int:
        return sum(line.amount_minor for line in self.lines) - self.back_of.total()

    @property
    def stands(self) -> bool:
        return any(use.stands for use in self.uses) or (self.is_checkout and self.left > 0)
