"""A rush at the tills: fifty clients, two server processes, and a limit, a budget or a gift card for ten of them."""

import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from auth import customer_codes, merchants, tokens
from auth.models import Customer
from core import clock, consistency, crypto, ids
from core.db import connection_of, transaction
from core.settings import Settings
from core.web.principals import Principal
from rewards import campaigns, vouchers
from rewards import checks as rewards_checks
from rewards.campaigns import Draft
from rewards.vouchers import Issue
from tests.rewards.conftest import fill
from wallet import checks as wallet_checks

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


def code_of(*, is_owned: bool = False, **changes: Any) -> tuple[UUID, str]:
    """A running campaign with one code that is nobody's or one customer's, and budget for all; its id and the code."""
    now, customer_id = clock.now(), ids.new() if is_owned else None
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
        if customer_id:
            crypto.create_data_keys(session, [customer_id])
        issued = vouchers.issue(
            session, Issue(campaign_id=campaign_id, customer_id=customer_id, source=f"rush:{ids.new()}"), now=now
        )
    return campaign_id, issued.code


def limit(scope: str, measure: str, period: str, most: int) -> dict[str, Any]:
    return {"limits": ({"scope": scope, "measure": measure, "period": period, "most": most},)}


#: What lets ten of fifty through, and what the others are told.
FOR_TEN: dict[str, tuple[dict[str, Any], str]] = {
    "total": ({"limit_total": LIMIT}, "limit_reached"),
    "day": (limit("total", "uses", "day", LIMIT), "limit_reached"),
    "customer": ({"limit_per_customer": LIMIT, "is_owned": True}, "voucher_used_up"),
    "customer and day": ({**limit("customer", "uses", "day", LIMIT), "is_owned": True}, "limit_reached"),
    "customer's amount": (
        {**limit("customer", "amount", "ever", LIMIT * OFF_MINOR), "is_owned": True},
        "limit_reached",
    ),
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


def ask(server: str, token: str, path: str, body: dict[str, Any], gate: threading.Barrier) -> tuple[int, str]:
    """One client's attempt, made at the same instant as all the others', as often as it may be tried again; the status
    and the problem's code, or the id of what was made."""
    request = urllib.request.Request(
        f"{server}/merchant/v1{path}",
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Idempotency-Key": body.get("till_reference", path),
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


def basket(reference: str) -> dict[str, Any]:
    lines = [{"sku": "1", "quantity": "1", "amount_minor": PRICE_MINOR}]
    return {"basket": {"lines": lines}, "currency": "USD", "till_reference": reference}


def at_once(attempts: Sequence[Callable[[threading.Barrier], tuple[int, str]]]) -> list[tuple[int, str]]:
    gate = threading.Barrier(len(attempts))
    with ThreadPoolExecutor(len(attempts)) as pool:
        return list(pool.map(lambda attempt: attempt(gate), attempts))


def test_exactly_ten_of_fifty_clients_get_through_two_processes(lasting_server: str, till_token: str) -> None:
    for by in [*["total"] * (ROUNDS - 1), *FOR_TEN]:
        changes, refusal = FOR_TEN[by]
        campaign_id, code = code_of(**changes)

        answers = at_once(
            [
                partial(ask, lasting_server, till_token, "/redemptions", {"code": code, **basket(f"{code}-{number}")})
                for number in range(CLIENTS)
            ]
        )

        told = Counter(told if status != 201 else "" for status, told in answers)
        assert told == {"": LIMIT, refusal: CLIENTS - LIMIT}, by
        assert redeemed(campaign_id) == (LIMIT, LIMIT), by
    clean()


def test_one_request_of_fifty_clients_is_one_redemption(lasting_server: str, till_token: str) -> None:
    campaign_id, code = code_of(limit_total=LIMIT)

    answers = at_once(
        [
            partial(ask, lasting_server, till_token, "/redemptions", {"code": code, **basket("one")})
            for _ in range(CLIENTS)
        ]
    )

    assert len(set(answers)) == 1
    assert answers[0][0] == 201
    assert redeemed(campaign_id) == (1, 1)


def test_limit_holds_while_baskets_are_taken_and_given_back(lasting_server: str, till_token: str) -> None:
    """Half of the clients redeem the code, half take whole baskets with it; then all that was taken comes back, each
    from two clients at once, and others take it meanwhile."""
    campaign_id, code = code_of(limit_total=LIMIT)
    redemption = partial(ask, lasting_server, till_token, "/redemptions")
    checkout = partial(ask, lasting_server, till_token, "/checkouts")
    first = [partial(redemption, {"code": code, **basket(f"r-{number}")}) for number in range(CLIENTS // 2)]
    first += [
        partial(checkout, {"customer_code": shopper(), "vouchers": [code], **basket(f"c-{number}")})
        for number in range(CLIENTS // 2)
    ]

    answers = at_once(first)

    assert Counter(told for status, told in answers if status != 201) == {"limit_reached": CLIENTS - LIMIT}
    assert redeemed(campaign_id) == (LIMIT, LIMIT)

    taken = [(number, told) for number, (status, told) in enumerate(answers) if status == 201]
    paths = [f"/{'redemptions' if number < CLIENTS // 2 else 'checkouts'}/{made}/rollbacks" for number, made in taken]
    backs = [partial(ask, lasting_server, till_token, path, {}) for path in paths for _ in range(2)]
    more = [partial(redemption, {"code": code, **basket(f"m-{number}")}) for number in range(CLIENTS // 2)]

    answers = at_once([*backs, *more])

    back, anew = answers[: len(backs)], answers[len(backs) :]
    assert {status for status, _ in back} == {201}
    assert len({made for _, made in back}) == LIMIT
    through = [made for status, made in anew if status == 201]
    assert len(through) <= LIMIT
    assert {told for status, told in anew if status != 201} <= {"limit_reached"}
    assert redeemed(campaign_id) == (len(through), len(through))
    clean()


def test_what_is_reserved_is_nobody_elses_however_many_ask(lasting_server: str, till_token: str) -> None:
    """Some reserve; then half of the clients redeem and half reserve; then each reserved basket is taken, by two at
    once, while others redeem."""
    campaign_id, code = code_of(limit_total=LIMIT)
    redemption = partial(ask, lasting_server, till_token, "/redemptions")
    reservation = partial(ask, lasting_server, till_token, "/reservations")

    def reservations(name: str, count: int) -> list[Callable[[threading.Barrier], tuple[int, str]]]:
        asked = [{"customer_code": shopper(), "vouchers": [code], **basket(f"{name}-{n}")} for n in range(count)]
        return [partial(reservation, body) for body in asked]

    def redemptions(name: str) -> list[Callable[[threading.Barrier], tuple[int, str]]]:
        return [partial(redemption, {"code": code, **basket(f"{name}-{n}")}) for n in range(CLIENTS // 2)]

    held = at_once(reservations("h", LIMIT // 2))
    assert {status for status, _ in held} == {201}
    answers = at_once([*redemptions("r"), *reservations("v", CLIENTS // 2)])
    assert Counter(told for status, told in answers if status != 201) == {"limit_reached": CLIENTS - LIMIT // 2}
    reserved = [made for _, made in held] + [made for status, made in answers[CLIENTS // 2 :] if status == 201]
    assert redeemed(campaign_id)[0] == LIMIT - len(reserved)

    bodies = [{"reservation_id": made, "till_reference": f"t-{made}"} for made in reserved]
    taking = [partial(ask, lasting_server, till_token, "/checkouts", body) for body in bodies for _ in range(2)]
    answers = at_once([*taking, *redemptions("m")])

    taken, anew = answers[: len(taking)], answers[len(taking) :]
    assert {status for status, _ in taken} == {201}
    assert len({made for _, made in taken}) == len(reserved)
    assert {told for _, told in anew} == {"limit_reached"}
    assert redeemed(campaign_id) == (LIMIT, LIMIT)
    clean()


def shopper() -> str:
    """The code that a customer's app shows, with money for the basket."""
    customer_id, now = ids.new(), clock.now()
    with transaction() as session:
        crypto.create_data_keys(session, [customer_id])
        session.add(Customer(id=customer_id, created_at=now))
        fill(session, customer_id, PRICE_MINOR)
        session.flush()
        return customer_codes.current(session, customer_id, now=now)


def clean() -> None:
    """Nothing that is kept twice differs."""
    with consistency.one_instant() as connection:
        assert rewards_checks.first_difference(connection) is None
        assert wallet_checks.first_difference(connection) is None


def redeemed(campaign_id: UUID) -> tuple[int, int]:
    """How many redemptions stand, and how many transfers of theirs."""
    query = """
        SELECT count(*), count(t.id) FROM rewards.redemption r LEFT JOIN wallet.transfer t ON t.id = r.transfer_id
         WHERE r.campaign_id = %s AND r.state = 'succeeded'
    """
    with transaction() as session:
        row = connection_of(session).execute(query, [campaign_id]).fetchone()
    assert row is not None
    return row[0], row[1]
