"""A rush at the tills: one voucher with a limit of ten, fifty clients, two server processes, five times over."""

import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
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
from wallet import balances, checks

CLIENTS, LIMIT, ROUNDS, OFF_MINOR = 50, 10, 5, 300


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


def limited_code() -> tuple[UUID, str]:
    """A running campaign whose one generic code may be used ten times, with budget for more; its id and the code."""
    now = clock.now()
    draft = Draft(
        name="Ten only",
        kind="coupon",
        discount={"kind": "amount", "amount_minor": OFF_MINOR},
        currency="USD",
        starts_at=now - timedelta(minutes=1),
        ends_at=now + timedelta(hours=1),
        limit_total=LIMIT,
        limit_per_customer=None,
        budget_minor=CLIENTS * OFF_MINOR,
        starts_now=True,
    )
    with transaction() as session:
        campaign_id = campaigns.create(session, draft, actor="staff:test", now=now)
    with transaction() as session:
        given = vouchers.issue(
            session, Issue(campaign_id=campaign_id, customer_id=None, source=f"rush:{ids.new()}"), now=now
        )
    return campaign_id, given.code


def redeem(server: str, token: str, code: str, gate: threading.Barrier, number: int) -> tuple[int, str]:
    """One client's attempt, made at the same instant as all the others'; the status and the problem's code."""
    body = {
        "code": code,
        "basket": {"lines": [{"sku": "1", "quantity": "1", "amount_minor": 1000}]},
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
                return answer.status, ""
        except urllib.error.HTTPError as error:
            problem = json.load(error)
            if not problem["retryable"]:
                return error.code, problem["code"]


def test_a_limit_of_ten_holds_against_fifty_clients_and_two_processes(server: str, till_token: str) -> None:
    for _ in range(ROUNDS):
        campaign_id, code = limited_code()
        attempt = partial(redeem, server, till_token, code, threading.Barrier(CLIENTS))

        with ThreadPoolExecutor(CLIENTS) as pool:
            answers = list(pool.map(attempt, range(CLIENTS)))

        assert Counter(answers) == {(201, ""): LIMIT, (422, "limit_reached"): CLIENTS - LIMIT}
        with transaction() as session:
            budget = [each.posted for each in balances.of(session, f"campaign:{campaign_id}")]
        assert budget == [(CLIENTS - LIMIT) * OFF_MINOR]
    with transaction() as session:
        assert checks.first_difference(connection_of(session)) is None
