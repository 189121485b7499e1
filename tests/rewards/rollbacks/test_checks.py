"""The audit of rewards: clean after any deed, and it finds what was altered."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from core.db import connection_of, transaction
from rewards import checks
from rewards.rollbacks.lines import Asked
from tests.rewards.conftest import World, line
from tests.rewards.rollbacks.conftest import Deeds


def difference() -> str | None:
    with transaction() as session:
        return checks.first_difference(connection_of(session))


@pytest.fixture
def ids_of(world: World, deeds: Deeds) -> dict[str, Any]:
    """A basket of which a part came back, one that stands, and redemptions by themselves: one whole, one voided."""
    customer = world.customer()
    coupon = world.voucher(world.campaign(limit_total=9, limit_per_customer=9), customer)
    card = world.voucher(world.gift_campaign(700, limit_total=5), customer)
    taken = deeds.take(customer, line(quantity="2"), line(900), vouchers=(coupon.id, card.id))
    deeds.give_back(taken, [Asked(position=0, amount_minor=700)])
    whole = deeds.take(customer, line(300))
    deeds.give_back(whole)
    stands, gone = deeds.redeem(coupon.id), deeds.redeem(coupon.id)
    deeds.roll_back(stands, 100)
    deeds.void(gone.id)
    assert difference() is None
    used = taken.redemptions[0]
    return {"checkout": taken.id, "used": used.id, "stands": stands.id, "coupon": coupon.id, "card": card.id}


@pytest.mark.parametrize(
    ("alteration", "which", "told"),
    [
        ("UPDATE rewards.counter SET used = used + 1 WHERE scope = 'total' AND cap = 9 AND %s::uuid IS NOT NULL",
         "coupon", "counter total"),
        ("DELETE FROM rewards.counter WHERE scope LIKE 'customer:%%' AND cap = 9 AND %s::uuid IS NOT NULL", "coupon",
         "counter customer:"),
        ("UPDATE rewards.counter SET used = 2 WHERE cap = 5 AND %s::uuid IS NOT NULL", "card", "given 1 gift cards"),
        ("UPDATE rewards.voucher SET used = used - 1 WHERE id = %s", "coupon", "says it was used 1 times"),
        ("UPDATE rewards.voucher SET used = used + 1 WHERE id = %s", "card", "says it was used 2 times"),
        ("UPDATE rewards.redemption SET lines = '[[0, 499]]' WHERE id = %s", "stands", "off its lines 499"),
        ("UPDATE rewards.checkout SET lines = jsonb_set(lines, '{0,7}', '1') WHERE id = %s", "checkout", "line 0 of"),
        ("UPDATE rewards.checkout SET lines = jsonb_set(lines, '{1,4}', '901') WHERE id = %s", "checkout",
         "its lines come to 2901"),
        ("UPDATE rewards.redemption SET amount_minor = 600, lines = '[[0, 600]]' WHERE id = %s", "stands",
         "took 600 from campaign:"),
        ("UPDATE rewards.redemption SET transfer_id = NULL WHERE id = %s", "stands", "took 500 from campaign:"),
        ("UPDATE rewards.redemption SET back_minor = 99 WHERE id = %s", "stands", "99 of 500 went back"),
        ("UPDATE rewards.redemption SET state = 'succeeded' WHERE id = %s", "used", "is succeeded"),
        ("UPDATE rewards.checkout SET back_minor = back_minor + 1 WHERE id = %s", "checkout", "701 of checkout"),
        ("WITH b AS (UPDATE rewards.rollback SET redemptions = jsonb_set(redemptions, '{0,1}', '90')"
         " WHERE redemption_id = %s RETURNING redemption_id) UPDATE rewards.redemption r SET back_minor = 90 FROM b"
         " WHERE r.id = b.redemption_id", "stands", "by the ledger 100"),
    ],
)  # fmt: skip
def test_alteration_is_found(world: World, ids_of: dict[str, UUID], alteration: str, which: str, told: str) -> None:
    with transaction() as session:
        assert connection_of(session).execute(alteration, [ids_of[which]]).rowcount == 1

    found = difference()

    assert found is not None
    assert told in found


def test_redemption_that_was_deleted_is_found(world: World, deeds: Deeds) -> None:
    made = deeds.redeem(world.voucher(world.campaign(limit_total=None, limit_per_customer=None), None).id)
    world.rows("DELETE FROM rewards.redemption WHERE id = %s RETURNING 1", made.id)

    assert difference() == f"transfer {made.transfer_id} redeems a voucher, and no redemption names it"


def test_command_tells_what_it_looked_at(app: Flask, world: World, ids_of: dict[str, UUID]) -> None:
    clean = app.test_cli_runner().invoke(args=["rewards", "check"])
    assert clean.output == "rewards consistent: 2 vouchers, 4 redemptions, 2 checkouts, 4 rollbacks\n"

    world.rows("UPDATE rewards.voucher SET used = 7 WHERE id = %s RETURNING 1", ids_of["coupon"])

    found = app.test_cli_runner().invoke(args=["rewards", "check"])
    assert (found.exit_code, found.output.startswith("rewards NOT consistent: voucher ")) == (1, True)
