"""Mixed payments whose customer closed their wallet, and a till gives back."""

from uuid import UUID

import pytest

from core.db import transaction
from core.money import POINTS
from tests.wallet.conftest import NOW
from tests.wallet.paying.conftest import Shop
from wallet import accounts, answers
from wallet.accounts import Opening
from wallet.identity import closures
from wallet.paying.splits import Source


def standing(shop: Shop, account: Opening) -> int:
    query = "SELECT coalesce(sum(posted), 0)::bigint FROM wallet.balance WHERE account_id = %s"
    return int(shop.rows(query, account.id)[0][0])


def close(customer_id: UUID) -> None:
    with transaction() as session:
        closures.close(session, customer_id, pay_out_to=None, forfeits=True, reason="own", asked_by="test", now=NOW)


@pytest.mark.parametrize("parts", [(1600,), (1, 799, 800), (533, 533, 533, 1)])
def test_each_part_of_a_mixed_payment_goes_where_its_closed_source_would_have_gone(
    shop: Shop, parts: tuple[int, ...]
) -> None:
    answers.register(answers.Answers(points_rate=(1, 1)))
    customer_id = shop.customer(cash=900, promotional=400, points=300)
    sources = [Source(kind="points"), Source(kind="promotional"), Source(kind="cash")]
    paid = shop.pay(
        customer_id, *sources, merchant_id=shop.till.merchant_id, amount_minor=1600, currency="USD"
    ).transfer_id
    loyalty = standing(shop, accounts.of_brand("loyalty", "USD"))
    close(customer_id)

    for part in parts:
        shop.refund(paid, part)

    assert shop.owed == 0
    assert standing(shop, accounts.of_brand("suspense", "USD")) == 900
    assert standing(shop, accounts.of_brand("breakage", "USD")) == 400
    assert standing(shop, accounts.of_brand("breakage", POINTS)) == 300
    assert standing(shop, accounts.of_brand("loyalty", "USD")) == loyalty + 300
    shop.check()


def test_gift_card_takes_its_part_back_though_the_wallet_is_closed(shop: Shop) -> None:
    customer_id = shop.customer(cash=600)
    card = shop.gift_card(customer_id, 400)
    paid = shop.take(customer_id, 1000, reference="R-1", order=("gift_card", "cash")).transfer_id
    close(customer_id)

    given = shop.reverse("R-1")

    assert (given.payment_id, given.amount_minor, shop.owed) == (paid, 1000, 0)
    assert standing(shop, accounts.of_brand("suspense", "USD")) == 600
    assert shop.held(customer_id)["gift_card"] == 400
    assert card
    shop.check()
