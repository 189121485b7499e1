"""What the redemptions are measured on: tills, and running campaigns with a generic code each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from auth import merchants
from core import clock, ids
from core.db import transaction
from rewards import campaigns, vouchers
from rewards.baskets import Basket, Line
from rewards.campaigns import Draft
from rewards.redemption.redeeming import Request
from rewards.vouchers import Issue
from wallet import accounts
from wallet.paying.tills import Till

CURRENCY, OFF_MINOR, CAP = "USD", 5, 10**9
BASKET = Basket((Line(sku="milk", category="DAIRY", quantity="2", amount_minor=450),))
_BUDGET_MINOR = 10**12


@dataclass(frozen=True, slots=True)
class Generic:
    """A campaign with the id and the code of the voucher that anyone may show."""

    campaign_id: UUID
    voucher_id: UUID
    code: str


def tills(merchant_ids: Sequence[UUID] = ()) -> list[Till]:
    """A till at each merchant; at one of its own without any."""
    with transaction() as session:
        now = clock.now()
        owners = list(merchant_ids) or [merchants.add_merchant(session, name="Shop", now=now).id]
        found = [
            Till(
                merchant_id=owner,
                store_id=merchants.add_store(session, merchant_id=owner, name="Main Street", now=now).id,
                terminal_id=ids.new(),
            )
            for owner in owners
        ]
        accounts.open_all(session, [accounts.of_merchant(owner, CURRENCY) for owner in owners])
    return found


def generics(count: int) -> list[Generic]:
    """Running campaigns with a cap that nothing reaches, and a code each."""
    now = clock.now()
    draft = Draft(
        name="Five off",
        kind="coupon",
        discount={"kind": "amount", "amount_minor": OFF_MINOR},
        currency=CURRENCY,
        starts_at=now - timedelta(days=1),
        ends_at=now + timedelta(days=1),
        limit_total=CAP,
        limit_per_customer=None,
        budget_minor=_BUDGET_MINOR,
        starts_now=True,
    )
    found = []
    with transaction() as session:
        for _ in range(count):
            campaign_id = campaigns.create(session, draft, actor="staff:bench", now=now)
            issue = Issue(campaign_id=campaign_id, customer_id=None, source=f"bench:{campaign_id}")
            made = vouchers.issue(session, issue, now=now)
            found.append(Generic(campaign_id, made.id, made.code))
    return found


def request(till: Till, code: str) -> Request:
    """A till's request with a key and a fingerprint, as one over HTTP has them."""
    key = str(ids.new())
    return Request(
        till=till,
        reference=code,
        basket=BASKET,
        currency=CURRENCY,
        till_reference=key,
        key=key,
        fingerprint=key.encode(),
    )
