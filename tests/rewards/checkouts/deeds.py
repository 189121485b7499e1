"""What tills do with baskets, each in its own transaction as a view does it."""

from core import ids
from core.db import transaction
from core.errors import Refusal
from rewards import checkouts
from rewards.checkouts import Checkout, CheckoutRequest
from tests.rewards.conftest import NOW
from wallet import refunds


def take(request: CheckoutRequest) -> Checkout:
    with transaction() as session:
        return checkouts.take(session, request, now=NOW)


def take_all(*requests: CheckoutRequest) -> list[Checkout | Refusal]:
    with transaction() as session:
        return checkouts.take_all(session, requests, now=NOW)


def give_back(checkout: Checkout, amount_minor: int) -> None:
    assert checkout.transfer_id
    with transaction() as session:
        refunds.refund(
            session, principal="test", key=str(ids.new()), fingerprint=b"", payment_id=checkout.transfer_id,
            merchant_id=checkout.till.merchant_id, amount_minor=amount_minor, at=NOW,
        )  # fmt: skip
