"""Automatic top-ups: when cash runs low, so often a day at most, and no more after three declines."""

import time
from datetime import datetime, timedelta
from typing import Any

import pytest

from app import wiring, worker
from core import clock
from core.db import transaction
from tests.wallet.conftest import count
from tests.wallet.doors import Door
from tests.wallet.topups.conftest import Shop, merchant, usd
from wallet import limits, topups
from wallet.topups import automatic


def wish(shop: Shop, door: Door, *, like: str = "pm_card_visa", below: int = 1000, amount: int = 2000) -> str:
    """Save a card and wish for automatic top-ups by it."""
    payer = door.ask("POST", "/topups/intents", {"amount": usd(500)}).json["payer"]
    card = shop.provider.save_card(payer, like)
    body = {"below": usd(below), "amount": usd(amount), "payment_method": card}
    answer = door.ask("PUT", "/auto-topup", body)
    assert (answer.status_code, answer.json["state"]) == (200, "active"), answer.json
    return card


def run(shop: Shop, door: Door, at: datetime | None = None) -> int:
    """What a payment's event and due work would do."""
    at = at or clock.now()
    with transaction() as session:
        automatic.look_at(session, {door.id}, now=at)
    return automatic.charge_due(shop.gateway, at)


def may_load_a_day(amount_minor: int) -> None:
    with transaction() as session:
        limits.set_rule(
            session, tier="basic", scope="load", asset="USD", measures={"per_day": amount_minor}, now=clock.now()
        )


def test_cash_below_the_threshold_is_filled_up_once(shop: Shop) -> None:
    ana = shop.customer()
    wish(shop, ana)

    assert run(shop, ana) == 1  # looked at as soon as it is wished
    assert shop.standing(ana) == (2000, 0)
    shop.spend(ana, 1000)
    assert run(shop, ana) == 0  # exactly at the threshold
    shop.spend(ana, 1)
    assert run(shop, ana) == 1

    assert shop.standing(ana) == (2999, 0)
    [asked] = [fields for _, path, fields in shop.provider.asked if fields.get("off_session")][1:]
    assert (asked["amount"], asked["confirm"]) == ("2000", "true")


def test_a_payment_sets_it_off(shop: Shop) -> None:
    ana = shop.customer()
    card = wish(shop, ana)
    assert run(shop, ana) == 1
    paid = ana.ask("POST", "/payments", {"merchant_id": str(merchant()), "amount": usd(1500)})
    assert paid.status_code == 201, paid.json

    reader = [each for each in wiring.READERS if each.name == "wallet.auto_topups"]
    due = [each for each in wiring.work(shop.app.extensions["settings"], shop.app.extensions["gateways"])
           if each.name == "wallet.auto_topups"]  # fmt: skip
    deadline = time.monotonic() + 20
    while shop.standing(ana) != (2500, 0) and time.monotonic() < deadline:
        worker.drain(reader, due, now=clock.now())

    assert shop.standing(ana) == (2500, 0)
    assert card in {fields.get("payment_method") for _, _, fields in shop.provider.asked}


def test_third_decline_in_a_row_pauses_it_until_it_is_set_again(shop: Shop) -> None:
    ana = shop.customer()
    card = wish(shop, ana, like="pm_card_chargeDeclined")

    assert [run(shop, ana) for _ in range(4)] == [1, 1, 1, 0]

    shown = ana.ask("GET", "/auto-topup").json
    assert (shown["state"], shown["last_decline"]) == ("paused", "generic_decline")
    assert count(shop.connection, "core.event WHERE name = 'auto_topup.paused'") == 1
    body = {"below": usd(1000), "amount": usd(2000), "payment_method": card}
    assert ana.ask("PUT", "/auto-topup", body).json["state"] == "active"
    assert run(shop, ana) == 1


def test_charge_forgets_earlier_declines(shop: Shop) -> None:
    ana = shop.customer()
    card = wish(shop, ana, like="pm_card_chargeDeclined")
    assert [run(shop, ana) for _ in range(2)] == [1, 1]
    shop.provider.methods[card]["like"] = "pm_card_visa"
    assert run(shop, ana) == 1
    shop.provider.methods[card]["like"] = "pm_card_chargeDeclined"
    shop.spend(ana, 2000)

    assert run(shop, ana) == 1

    assert ana.ask("GET", "/auto-topup").json["state"] == "active"


def test_card_that_wants_the_customer_present_counts_as_declined(shop: Shop) -> None:
    ana = shop.customer()
    wish(shop, ana, like="pm_card_authenticationRequired")

    assert run(shop, ana) == 1

    assert ana.ask("GET", "/auto-topup").json["last_decline"] == "authentication_required"
    assert shop.standing(ana) == (0, 0)


def test_no_more_than_so_many_a_day(shop: Shop) -> None:
    ana, now = shop.customer(), clock.now()
    wish(shop, ana)
    for _ in range(automatic.MOST_A_DAY):
        assert run(shop, ana) == 1
        shop.spend(ana, 2000)

    run(shop, ana)
    assert shop.standing(ana) == (0, 0)
    run(shop, ana, now + timedelta(days=1, minutes=1))

    assert shop.standing(ana) == (2000, 0)


def test_full_limit_is_no_decline_and_waits_until_it_renews(shop: Shop) -> None:
    ana = shop.customer()
    wish(shop, ana)
    now = clock.now()
    may_load_a_day(1999)
    waits = []
    for _ in range(automatic.MOST_DECLINES + 1):
        assert run(shop, ana, now) == 1
        shown = ana.ask("GET", "/auto-topup").json
        assert (shown["state"], shown["last_decline"]) == ("active", "limit_exceeded")
        row = shop.connection.execute("SELECT due_at FROM wallet.auto_topup").fetchone()
        assert row and run(shop, ana, row[0] - timedelta(seconds=1)) == 0
        waits.append(row[0] - now)
        now = row[0]

    assert waits[0] <= timedelta(hours=25) and waits[1] > timedelta(hours=22)  # midnight, by the brand's clock
    may_load_a_day(2000)
    assert run(shop, ana, now) == 1
    assert shop.standing(ana) == (2000, 0)
    assert count(shop.connection, "core.event WHERE name = 'auto_topup.paused'") == 0


def test_limit_that_never_renews_is_tried_again_hourly(shop: Shop) -> None:
    ana = shop.customer()
    wish(shop, ana)
    now = clock.now()
    with transaction() as session:
        limits.set_rule(session, tier="basic", scope="load", asset="USD", measures={"per_transfer": 1999}, now=now)
    assert run(shop, ana, now) == 1

    assert run(shop, ana, now + timedelta(minutes=59)) == 0
    assert run(shop, ana, now + timedelta(hours=1)) == 1


def test_crash_while_charging_charges_once(shop: Shop) -> None:
    ana = shop.customer()
    wish(shop, ana)
    charge = shop.gateway.charge

    def dies(**asked: Any) -> None:
        charge(**asked)
        raise SystemExit

    shop.gateway.charge = dies
    with pytest.raises(SystemExit):
        run(shop, ana)
    shop.gateway.charge = charge
    later = clock.now() + automatic.LEASE + timedelta(seconds=1)

    assert run(shop, ana, later) == 1  # an automatic top-up is under way
    assert topups.finish_due(shop.gateway, later) >= 1
    assert run(shop, ana, later) == 0

    assert shop.standing(ana) == (2000, 0)
    assert len([1 for each in shop.provider.intents.values() if each["amount"] == 2000]) == 1


def test_it_ends_with_the_card_or_by_wish(shop: Shop) -> None:
    ana = shop.customer()
    card = wish(shop, ana)
    assert ana.ask("DELETE", f"/payment-methods/{card}").status_code == 204
    assert ana.code("GET", "/auto-topup") == (404, "not_found")

    wish(shop, ana)
    assert [ana.ask("DELETE", "/auto-topup").status_code for _ in range(2)] == [204, 204]
    assert run(shop, ana) == 0


def test_only_ones_own_cards_and_one_currency_can_be_wished_for(shop: Shop) -> None:
    ana, ben = shop.customer(), shop.customer("+12025550144")
    card = wish(shop, ana)
    euros = {"amount_minor": 100, "currency": "EUR"}

    assert ben.code("PUT", "/auto-topup", {"below": usd(1), "amount": usd(1), "payment_method": card}) == (
        404, "payment_method_unknown",
    )  # fmt: skip
    for body, code in [
        ({"below": usd(1), "amount": euros, "payment_method": card}, "invalid_input"),
        ({"below": euros, "amount": euros, "payment_method": card}, "currency_unknown"),
        ({"below": usd(0), "amount": usd(1), "payment_method": card}, "invalid_input"),
        ({"below": usd(1), "amount": usd(1), "payment_method": "../x"}, "invalid_input"),
    ]:
        assert ana.code("PUT", "/auto-topup", body) == (422, code)
