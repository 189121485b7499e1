"""The app shows what lapses when."""

from datetime import UTC, datetime, timedelta

from flask import Flask

from auth import tokens
from core import clock, ids
from core.db import statement
from core.web.principals import Principal
from tests.wallet.conftest import transfer
from wallet import accounts, ledger, lots

SOON = datetime(2027, 1, 1, tzinfo=UTC)


def test_lots_are_listed_the_soonest_to_lapse_first_and_only_ones_own(app: Flask) -> None:
    customer_id, other = ids.new(), ids.new()
    promotional, points = accounts.promotional(customer_id, "USD"), accounts.points(customer_id)
    with statement() as connection:
        accounts.open_all(
            connection,
            [promotional, points, accounts.of_marketing("USD"), accounts.of_brand("loyalty", "PTS")],
        )
        for opening, fund, amount, expires_at in (
            (promotional, accounts.of_marketing("USD"), 500, SOON + timedelta(days=9)),
            (points, accounts.of_brand("loyalty", "PTS"), 70, None),
            (promotional, accounts.of_marketing("USD"), 300, SOON),
        ):
            leg, move = lots.give(opening, amount, source="promotion", expires_at=expires_at)
            ledger.post(connection, transfer([fund.leg(-amount), leg], lots=[move]))

    shown = listed(app, customer_id)["items"]

    assert [(lot["purpose"], lot["remaining"]["amount_minor"], lot["expires_at"]) for lot in shown] == [
        ("promotional", 300, "2027-01-01T00:00:00Z"),
        ("promotional", 500, "2027-01-10T00:00:00Z"),
        ("points", 70, None),
    ]
    assert listed(app, other) == {"items": []}


def listed(app: Flask, customer_id: object) -> dict:  # type: ignore[type-arg]
    principal = Principal("customer", customer_id)  # type: ignore[arg-type]
    token = tokens.mint(principal, audience=tokens.APP, client_id="app", now=clock.now(), ttl=timedelta(minutes=5))
    answer = app.test_client().get("/app/v1/wallet/lots", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    return answer.json  # type: ignore[return-value]
