"""Receipts of payments as they are really made: every source is named, and what went back stands beside it."""

from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from core import ids
from core.db import connection_of, transaction
from core.errors import NotFound
from tests.wallet.conftest import NOW
from tests.wallet.paying.conftest import Shop, shop
from wallet import receipts
from wallet.documents import parts, wording
from wallet.documents.letterhead import WHITE, Letterhead, contrast
from wallet.documents.picture import Picture
from wallet.receipts import Part, Receipt

__all__ = ["shop"]

WORDS = wording.of("en-US", ZoneInfo("America/New_York"))


def receipt_of(payment_id: UUID, customer_id: UUID) -> Receipt:
    with transaction() as session:
        return receipts.of_payment(connection_of(session), payment_id, customer_id=customer_id)


def made(*given: Part) -> Receipt:
    return Receipt(
        payment_id=ids.new(), merchant_id=ids.new(), merchant_name="Corner Shop", store_id=None, store_name=None,
        amount=sum(part.amount for part in given), tip=0, currency="USD", reference=None, approval_id=None, paid_at=NOW,
        parts=given, refunds=(),
    )  # fmt: skip


def test_every_source_of_a_mixed_payment_is_named(shop: Shop) -> None:
    customer_id = shop.customer(cash=5000, promotional=300, points=100)
    card = shop.gift_card(customer_id, 400)
    paid = shop.take(customer_id, 1500, tip=100)

    shown = receipt_of(paid.transfer_id, customer_id)

    told = [(part.kind, part.amount) for part in shown.parts]
    assert told == [(part["kind"], part["amount_minor"]) for part in paid.details["parts"]]
    assert {kind for kind, _ in told} >= {"promotional", "gift_card", "cash"}
    assert sum(amount for _, amount in told) == shown.amount == paid.details["amount_minor"]
    assert shown.tip == 100
    assert [part.voucher_id for part in shown.parts if part.kind == "gift_card"] == [card]
    assert (shown.merchant_name, shown.store_name) == ("Corner Shop", "Main Street")


def test_what_went_back_stands_beside_what_was_given(shop: Shop) -> None:
    customer_id = shop.customer(cash=5000, promotional=300, points=100)
    shop.gift_card(customer_id, 400)
    paid = shop.take(customer_id, 1500)

    shop.refund(paid.transfer_id, 500)
    partly = receipt_of(paid.transfer_id, customer_id)
    shop.refund(paid.transfer_id)
    wholly = receipt_of(paid.transfer_id, customer_id)

    assert partly.refunded == 500
    assert [refund.amount for refund in partly.refunds] == [500]
    assert all(0 < part.refunded < part.amount for part in partly.parts)
    assert all(part.refunded == part.amount for part in wholly.parts)
    assert sum(refund.amount for refund in wholly.refunds) == wholly.refunded == wholly.amount
    assert [part.points_refunded for part in wholly.parts] == [part.points for part in wholly.parts]


def test_a_payment_that_a_till_took_back_is_shown_as_refunded(shop: Shop) -> None:
    customer_id = shop.customer(cash=1000)
    paid = shop.take(customer_id, 700, reference="basket 1")
    shop.reverse("basket 1")

    shown = receipt_of(paid.transfer_id, customer_id)

    assert (shown.refunded, [refund.amount for refund in shown.refunds]) == (700, [700])


def test_a_receipt_is_its_customers_and_its_merchants(shop: Shop) -> None:
    customer_id = shop.customer(cash=1000)
    payment_id = shop.take(customer_id, 700).transfer_id

    with transaction() as session:
        connection = connection_of(session)
        theirs = receipts.of_payment(connection, payment_id, merchant_id=shop.till.merchant_id)
        for stranger in ({"customer_id": ids.new()}, {"merchant_id": ids.new()}, {}):
            with pytest.raises(NotFound):
                receipts.of_payment(connection, payment_id, **stranger)

    assert theirs == receipt_of(payment_id, customer_id)


@pytest.mark.parametrize("name", sorted(parts.COLOURS))
def test_each_kind_has_a_name_and_a_colour_that_stands_out(name: str) -> None:
    assert parts.NAMES[name]
    assert contrast(parts.COLOURS[name], WHITE) >= 4.5


@pytest.mark.parametrize(
    "given",
    [
        (Part("cash", 1),),
        (Part("cash", 10**12), Part("gift_card", 1)),
        (Part("cash", 100, 100),),
        (Part("cash", 100, 1), Part("points", 50, 49, 5, 4), Part("coupon", 50)),
        tuple([Part("gift_card", 10, 3)] * 40),
    ],
)
def test_pieces_fill_the_bar_and_none_leaves_it(given: tuple[Part, ...]) -> None:
    picture = parts.bar(made(*given), WORDS)

    pieces = [box for box in picture.boxes if box.y == 0]
    assert sum(box.width for box in pieces) == pytest.approx(parts.WIDTH - 3 * (len(given) - 1))
    _is_within(picture)


def test_pieces_are_as_wide_as_their_shares(shop: Shop) -> None:
    cash, card = [box for box in parts.bar(made(Part("cash", 750), Part("gift_card", 250)), WORDS).boxes if box.y == 0]

    assert Decimal(cash.width / card.width).quantize(Decimal("0.1")) == Decimal("2.9")


def test_names_stay_within_the_card() -> None:
    house = Letterhead("B" * 200, (31, 79, 163))
    long = made(Part("cash", 100))
    _is_within(parts.card(long, WORDS, house))

    assert max(len(label.text) for label in parts.card(long, WORDS, house).labels) <= 60


def _is_within(picture: Picture) -> None:
    for box in picture.boxes:
        assert box.x >= 0
        assert box.x + box.width <= picture.width + 0.01
        assert box.y + box.height <= picture.height + 1.01
    for stroke in picture.strokes:
        assert -0.01 <= min(stroke.x1, stroke.x2) <= max(stroke.x1, stroke.x2) <= picture.width + 0.01
        assert -0.01 <= min(stroke.y1, stroke.y2) <= max(stroke.y1, stroke.y2) <= picture.height + 0.01
