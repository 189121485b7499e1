"""What rules are decided by: a basket at a till at a moment, and what is known of its customer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from rewards.baskets import Basket
from rewards.products import Product
from wallet.assets import brand_time_zone
from wallet.paying.tills import Till


@dataclass(frozen=True, slots=True)
class Bought:
    """That a rule asks in how many orders of the last `within_days` days something was: word: "sku" or "category"."""

    word: str
    name: str
    within_days: int


#: What a rule needs to have read beside the basket, the till and the moment.
Need = Literal["customer", "store", "products", "history", "audiences", "segments"] | Bought


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    signed_up_at: datetime
    locale: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A customer's orders so far, but those that were returned whole.

    units  spent_minor: of the facts' currency, before discounts, less what was returned
    """

    orders: int = 0
    spent_minor: int = 0
    last_at: datetime | None = None


def _brand_zone() -> ZoneInfo:
    return ZoneInfo(brand_time_zone())


@dataclass(kw_only=True)
class Facts:
    """`loading` fills what stands below the first six; None there: nobody knows, and no condition on it is met.

    zone      in which days and hours are meant: the brand's
    bought    by ("sku" or "category", its name): when the customer's orders with it were, of the days asked for
    """

    basket: Basket
    at: datetime
    currency: str
    customer_id: UUID | None = None
    till: Till | None = None
    zone: ZoneInfo = field(default_factory=_brand_zone)
    person: Person | None = None
    history: History | None = None
    bought: Mapping[tuple[str, str], list[datetime]] | None = None
    audiences: frozenset[UUID] | None = None
    segments: frozenset[str] | None = None
    products: Mapping[str, Product] = field(default_factory=dict)
    store_reference: str | None = None

    @cached_property
    def local(self) -> datetime:
        return self.at.astimezone(self.zone)

    @cached_property
    def pieces(self) -> int:
        """How many things the basket holds; what is weighed or measured counts as one."""
        return sum(
            [int(quantity_of(line.quantity) or 0) if line.unit is None else 1 for line in self.basket.lines],
        )


def quantity_of(text: str) -> Decimal | None:
    """The quantity of a line; None where it is no number."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    # What a till would never send, such as "1e999999", must not become an integer of a million digits.
    return found if found.is_finite() and found.adjusted() < 18 else None
