"""Whatever pays, and in whatever parts it goes back: exact to the minor unit, and within what each source gave."""

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.wallet.paying.conftest import Shop
from wallet import accounts
from wallet.errors import InsufficientFunds
from wallet.paying.splits import KINDS, Rate

rates = st.builds(Rate, st.integers(1, 1000), st.integers(1, 1000))


@given(rate=rates, points=st.integers(0, 200), amount=st.integers(1, 300))
@example(rate=Rate(3, 2), points=7, amount=5)
@example(rate=Rate(1, 5), points=9, amount=12)
def test_points_pay_the_most_that_they_are_worth_and_no_point_too_many(rate: Rate, points: int, amount: int) -> None:
    taken, pays = rate.payable(points, amount)

    fitting = [rate.worth(count) for count in range(points + 1) if count * rate.minor <= amount * rate.points]
    assert pays == max(fitting)
    assert 0 <= taken <= points
    assert rate.worth(taken) == pays
    assert taken == 0 or rate.worth(taken - 1) < pays


mixes = st.fixed_dictionaries(
    {
        "cash": st.integers(0, 60), "promotional": st.integers(0, 60), "points": st.integers(0, 60),
        "card": st.integers(0, 60), "other_lot": st.integers(0, 60),
    }
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    mix=mixes,
    order=st.permutations(KINDS),
    wanted=st.integers(1, 300),
    portions=st.lists(st.integers(1, 1_000_000), max_size=5),
)
@example(mix={"cash": 7, "promotional": 5, "points": 3, "card": 2, "other_lot": 1}, order=list(KINDS), wanted=18,
         portions=[1, 1, 500_000])  # fmt: skip
def test_any_mix_pays_exactly_and_any_refunds_end_where_it_began(
    shop: Shop, mix: dict[str, int], order: list[str], wanted: int, portions: list[int]
) -> None:
    customer_id = shop.customer(cash=mix["cash"], promotional=mix["promotional"], points=mix["points"])
    if mix["other_lot"]:
        shop.give(accounts.promotional(customer_id, "USD"), mix["other_lot"])
    if mix["card"]:
        shop.gift_card(customer_id, mix["card"])
    before, owed, has = shop.held(customer_id), shop.owed, sum(mix.values())

    if wanted > has:
        try:
            shop.take(customer_id, wanted, order=tuple(order))  # type: ignore[arg-type]
        except InsufficientFunds:
            assert (shop.held(customer_id), shop.owed) == (before, owed)
            return
        raise AssertionError("paid with more than there is")
    payment = shop.take(customer_id, wanted, order=tuple(order))  # type: ignore[arg-type]
    parts = payment.details["parts"]
    assert sum(part["amount_minor"] for part in parts) == wanted == shop.owed - owed
    assert [part["kind"] for part in parts] == [kind for kind in order if kind in {part["kind"] for part in parts}]

    left = wanted
    for portion in [*portions, 1_000_000]:
        amount = -(-left * portion // 1_000_000)
        if amount:
            shop.refund(payment.transfer_id, amount)
            left -= amount
        held = shop.held(customer_id)
        assert all(held[kind] <= before[kind] for kind in before)
        assert sum(before.values()) - sum(held.values()) <= left + 1  # a point waits for the last of its worth
        assert shop.owed - owed == left

    assert shop.held(customer_id) == before
    count = "SELECT count(*) FROM wallet.lot l JOIN wallet.account a ON a.id = l.account_id WHERE a.owner = %s"
    lots = shop.rows(count, f"customer:{customer_id}")
    assert lots == [((mix["promotional"] > 0) + (mix["points"] > 0) + (mix["other_lot"] > 0),)]
    shop.check()
