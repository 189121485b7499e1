"""The apps' first screen: complete, cheap to ask for, and not sent twice."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask.testing import FlaskClient

from auth import customers, tokens
from core import clock, ids
from core.db import transaction
from core.web.principals import Principal
from engage import inbox
from engage.inbox import NewItem
from tests.rewards.conftest import World, fill
from wallet.paying.tills import Till


@pytest.fixture
def customer_id(client: FlaskClient) -> UUID:
    """A customer with 100.00, two coupons, a gift card of 20.00 and something unread."""
    now = clock.now()
    world = World(Till(merchant_id=ids.new(), store_id=ids.new(), terminal_id=ids.new()))
    with transaction() as session:
        customer = customers.sign_up(session, phone="+12125550142", locale="en", time_zone=None, now=now)
        fill(session, customer.id, 10_000)
        inbox.put_all(session, [NewItem(customer_id=customer.id, voucher_id=None, title="Hi", body="Look")], now=now)
    window: dict[str, Any] = {"starts_at": now - timedelta(days=1)}
    later = world.campaign(name="Later", ends_at=now + timedelta(days=30), **window)
    sooner = world.campaign(name="Sooner", ends_at=now + timedelta(days=2), **window)
    card = world.gift_campaign(ends_at=now + timedelta(days=30), **window)
    for campaign_id in (later, sooner, card):
        world.voucher(campaign_id, customer.id, at=now)
    return customer.id


def ask(client: FlaskClient, customer_id: UUID, **headers: str) -> Any:
    token = tokens.mint(Principal("customer", customer_id), audience=tokens.APP, client_id="test", now=clock.now())
    return client.get("/app/v1/home", headers={"Authorization": f"Bearer {token}", **headers})


def test_home_shows_what_each_room_knows(client: FlaskClient, customer_id: UUID) -> None:
    answer = ask(client, customer_id)

    assert answer.status_code == 200
    home = answer.json
    assert [(b["purpose"], b["available"]["amount_minor"]) for b in home["balances"]] == [("cash", 10_000)]
    assert [voucher["name"] for voucher in home["expiring_next"]][:2] == ["Sooner", "Later"]
    assert home["unread_count"] == 1
    assert [entry["amount"]["amount_minor"] for entry in home["latest_entries"]] == [10_000]
    assert home["minimum_app_version"]


def test_home_takes_at_most_five_statements(
    client: FlaskClient, customer_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(client, customer_id)
    statements: list[str] = []
    execute = psycopg.Cursor.execute

    def counting(cursor: Any, query: Any, *args: Any, **options: Any) -> Any:
        statements.append(str(query))
        return execute(cursor, query, *args, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", counting)

    assert ask(client, customer_id).status_code == 200

    asked = [query for query in statements if "FROM" in query]
    assert 1 <= len(asked) <= 5


def test_an_unchanged_home_is_not_sent_again(client: FlaskClient, customer_id: UUID) -> None:
    first = ask(client, customer_id)

    again = ask(client, customer_id, **{"If-None-Match": first.headers["ETag"]})

    assert again.status_code == 304
    assert again.data == b""
