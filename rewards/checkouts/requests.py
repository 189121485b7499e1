"""What a till asks for when it takes a basket."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from rewards.baskets import Basket
from rewards.redemption.evidence import Reference
from wallet import accounts
from wallet.accounts import Opening
from wallet.paying.splits import Kind
from wallet.paying.tills import Till

#: Who collects what the vouchers of a basket leave.
Rest = Literal["wallet", "till"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutRequest:
    """A basket to be taken.

    vouchers        ids or codes, coupons applied in this order; BEST ("best") for all of the customer's that apply
    takes_part      vouchers that cannot be used are left out, instead of refusing the basket; unknown ones refuse it
    rest            what vouchers leave is paid out of the wallet, or collected by the till itself
    kinds           of source in the wallet, in the order in which they pay the rest; gift cards pay as vouchers only
    till_reference  the till's own number of this basket; the same request under it again gets the same answer
    reservation_id  of the reserved basket that it is: its vouchers are known
    at              business time; None is the `now` of the call
    """

    customer_id: UUID
    till: Till
    basket: Basket
    currency: str
    till_reference: str
    vouchers: tuple[Reference, ...] | Literal["best"] = ()
    takes_part: bool = False
    rest: Rest = "wallet"
    kinds: tuple[Kind, ...] = ("cash",)
    reservation_id: UUID | None = None
    at: datetime | None = None

    @property
    def fingerprint(self) -> bytes:
        lines = [
            [line.sku, line.category, line.quantity, line.unit, line.amount_minor, line.coupon_minor, line.tax_minor]
            for line in self.basket.lines
        ]
        asked = [str(self.customer_id), self.currency, lines, [str(reference) for reference in self.vouchers]]
        if self.takes_part:  # added where it is so, since fingerprints are kept
            asked.append("part")
        if self.rest == "till":
            asked.append("till")
        if self.reservation_id is not None:
            asked.append(str(self.reservation_id))
        return hashlib.sha256(json.dumps(asked).encode()).digest()

    @property
    def cash(self) -> Opening:
        """The customer's cash."""
        return accounts.of_customer(self.customer_id, self.currency)
