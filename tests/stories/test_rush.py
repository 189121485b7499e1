"""A rush at the tills: fifty clients, two server processes, and a limit, a budget or a gift card for ten of them."""

import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from auth import merchants, tokens
from core import clock, ids
from core.db import connection_of, transaction
from core.settings import Settings
from core.web.principals import Principal
from rewards import campaigns, vouchers
from rewards.campaigns import Draft
from rewards.vouchers import Issue
from wallet import checks

CLIENTS, LIMIT, ROUNDS, OFF_MINOR, PRICE_MINOR = 50, 10, 5, 300, 1_000


@pytest.fixture
def till_token(database: None, settings: Settings) -> str:
    tokens.load_key(settings)
    key = (
        ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    with transaction() as session:
        now = clock.now()
        merchant = merchants.add_merchant(session, name="Corner Shop", now=now)
        store = merchants.add_store(session, merchant_id=merchant.id, name="Main Street", now=now)
        terminal = merchants.add_terminal(session, store_id=store.id, name="Till 1", public_key=key.decode(), now=now)
        principal = Principal("terminal", terminal.id, merchant_id=merchant.id, store_id=store.id)
    return tokens.mint(
        principal, audience=tokens.MERCHANT, client_id="till", now=clock.now(), ttl=timedelta(minutes=10)
    )


def code_of(**changes: Any) -> tuple[UUID, str]:
    """A running campaign with one code that is nobody's, and budget for everyone; its id and the code."""
    now = clock.now()
    given: dict[str, Any] = {
        "name": "Ten only",
        "kind": "coupon",
        "discount": {"kind": "amount", "amount_minor": OFF_MINOR},
        "currency": "USD",
        "starts_at": now - timedelta(minutes=1),
        "ends_at": now + timedelta(hours=1),
        "limit_per_customer": None,
        "budget_minor": CLIENTS * OFF_MINOR,
        "starts_now": True,
    }
    with transaction() as session:
        campaign_id = campaigns.create(session, Draft(**(given | changes)), actor="staff:test", now=now)
    with transaction() as session:
        given = vouchers.issue(
            session, Issue(campaign_id=campaign_id, customer_id=None, source=f"rush:{ids.new()}"), now=now
        )
    return campaign_id, given.code


def limit(scope: str, measure: str, period: str, most: int) -> dict[str, Any]:
    return {"limits": ({"scope": scope, "measure": measure, "period": period, "most": most},)}


#: What lets ten of fifty through, and what the others are told.
FOR_TEN: dict[str, tuple[dict[str, Any], str]] = {
    "total": ({"limit_total": LIMIT}, "limit_reached"),
    "day": (limit("total", "uses", "day", LIMIT), "limit_reached"),
    "store and week": (limit("store", "uses", "week", LIMIT), "limit_reached"),
    "amount and month": (limit("total", "amount", "month", (LIMIT + 1) * OFF_MINOR - 1), "limit_reached"),
    "budget": ({"budget_minor": (LIMIT + 1) * OFF_MINOR - 1}, "budget_exhausted"),
    "gift card": (
        {
            "kind": "gift_card",
            "discount": {"kind": "value", "amount_minor": LIMIT * PRICE_MINOR},
            "budget_minor": LIMIT * PRICE_MINOR,
        },
        "voucher_used_up",
    ),
}


def redeem(server: str, token: str, code: str, gate: threading.Barrier, number: int) -> tuple[int, str]:
    """One client's attempt, made at the same instant as all the others'; the status and the problem's code, or the
    redemption's id."""
    body = {
        "code": code,
        "basket": {"lines": [{"sku": "1", "quantity": "1", "amount_minor": PRICE_MINOR}]},
        "currency": "USD",
        "till_reference": f"{code}-{number}",
    }
    request = urllib.request.Request(
        f"{server}/merchant/v1/redemptions",
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Idempotency-Key": f"{code}-{number}",
        },
    )
    gate.wait(timeout=30)
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)["id"]
        except urllib.error.HTTPError as error:
            problem = json.load(error)
            if not problem["retryable"]:
                return error.code, problem["code"]


@pytest.mark.parametrize("by", FOR_TEN)
def test_exactly_ten_of_fifty_clients_get_through_two_processes(server: str, till_token: str, by: str) -> None:
    changes, refusal = FOR_TEN[by]
    for _ in range(ROUNDS if by == "total" else 1):
        campaign_id, code = code_of(**changes)
        attempt = partial(redeem, server, till_token, code, threading.Barrier(CLIENTS))

        with ThreadPoolExecutor(CLIENTS) as pool:
            answers = list(pool.map(attempt, range(CLIENTS)))

        assert Counter(told if status != 201 else "" for status, told in answers) == {
            "": LIMIT,
            refusal: CLIENTS - LIMIT,
        }
        assert redeemed(campaign_id) == (LIMIT, LIMIT)
    with transaction() as session:
        assert checks.first_difference(connection_of(session)) is None


def test_one_request_of_fifty_clients_is_one_redemption(server: str, till_token: str) -> None:
    campaign_id, code = code_of(limit_total=LIMIT)
    gate = threading.Barrier(CLIENTS)

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(lambda _: redeem(server, till_token, code, gate, 0), range(CLIENTS)))

    assert len(set(answers)) == 1
    assert answers[0][0] == 201
    assert redeemed(campaign_id) == (1, 1)


def redeemed(campaign_id: UUID) -> tuple[int, int]:
    """How many redemptions there are, and how many transfers of theirs."""
    query = """
        SELECT count(*), count(t.id) FROM rewards.redemption r LEFT JOIN wallet.transfer t ON t.id = r.transfer_id
         WHERE r.campaign_id = %s
    """
    with transaction() as session:
        row = connection_of(session).execute(query, [campaign_id]).fetchone()
    assert row is not None
    return row[0], row[1]
