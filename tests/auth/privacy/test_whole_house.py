"""The house goes on around an erasure: readers read, workers work, and in the end nothing of the customer is left."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask

from app import wiring
from app.worker import drain
from core import clock
from core.db import connection_of, transaction
from core.gateways import registry
from core.settings import Settings
from tests.auth.privacy.conftest import PHONE, Account, rows_of
from tests.core.log import wait_for_the_horizon
from tests.house.matrix.things import customer_with, shop, terminal, things_of
from tests.stories.test_canary import columns_with
from wallet import ledger
from wallet.lots import granting
from wallet.lots.granting import Grant

Drain = Callable[[datetime], None]


@pytest.fixture
def house(app: Flask, settings: Settings) -> Drain:
    lines = wiring.work(settings, registry.build(settings))

    def work(now: datetime) -> None:
        wait_for_the_horizon()
        drain(wiring.READERS, lines, now=now)

    return work


def test_readers_and_workers_leave_nothing_of_who_is_erased(account: Account, house: Drain) -> None:
    house(clock.now())
    assert rows_of("SELECT FROM insights.profile WHERE customer_id = %s", account.customer_id) != []
    url = account.erase().json["receipt_url"]

    house(clock.now())
    house(clock.now() + timedelta(hours=1, minutes=1))
    house(clock.now() + timedelta(hours=2, minutes=2))

    assert account.receipt(url)["status"] == "erased"
    for holder in wiring.PRIVACY:
        for held in holder.held:
            if held.erased == "dropped" and held.where == "customer_id = %(customer)s":
                query = f"SELECT count(*) FROM {held.table} WHERE customer_id = %s"
                assert rows_of(query, account.customer_id) == [(0,)], held.table
    assert columns_with({PHONE.removeprefix("+1")}) == set()
    assert rows_of("SELECT count(*) FROM core.reader_parked") == [(0,)]


def test_who_has_used_everything_is_told_what_to_settle_first(app: Flask, house: Drain) -> None:
    merchant_id, store_id = shop()
    owner = customer_with(app)
    things_of(owner, terminal(app, merchant_id, store_id=store_id))
    account = Account(app, owner.principal.id, acr="phr")
    told = account.ask("GET", "/me/erasure/objections").json["reasons"]
    left = {reason["code"]: reason.get("forfeit") for reason in told}

    assert left == {
        "coupons_left": "coupons", "given_card_left": "gift_cards", "gift_card_left": None, "gift_under_way": None,
        "money_left": None, "money_held": None, "topup_under_way": None,
    }  # fmt: skip
    refused = account.erase("coupons", "points", "promotional", "gift_cards")
    assert {reason["code"] for reason in refused.json["reasons"]} == {code for code, word in left.items() if not word}


def test_promotional_value_is_given_up_by_name(account: Account, house: Drain) -> None:
    house(clock.now())
    give_value(account, 500)

    unnamed = account.erase()
    named = account.erase("points", "promotional")

    assert unnamed.json["reasons"] == [
        {"code": "promotional_left", "forfeit": "promotional", "amount_minor": 500, "currency": "USD"}
    ]
    assert named.status_code == 202, named.json
    assert rows_of("SELECT parted -> 'wallet' -> 'lapsed' FROM auth.erasure") == [
        ([{"amount_minor": 500, "currency": "USD"}],)
    ]
    house(clock.now())
    assert account.receipt(named.json["receipt_url"])["status"] == "erased"


def give_value(account: Account, amount_minor: int) -> None:
    given = Grant(
        customer_id=account.customer_id, asset="USD", amount=amount_minor, source="test", key="one", expires_at=None
    )
    with transaction() as session:
        outcomes, transfers = granting.grant_later(connection_of(session), [given], now=clock.now())
        ledger.post_all(connection_of(session), transfers)
    assert len(outcomes) == 1
