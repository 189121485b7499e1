"""Verifying access tokens beside the payment that each of them lets in, with 1,000 tokens in rotation.

Warm is what a process pays that has seen a token before, cold what it pays the first time. Both go the guard's whole
way: the look for what was revoked, the token, what it is revoked by. A DPoP proof is another matter, and costs a row.
"""

import json
import os
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median
from time import process_time
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from auth import tokens
from auth.dpop import proofs
from auth.keys import jwk, ring
from auth.tokens import revocations, verifying
from bench.auth import world
from bench.figures import Figure
from bench.turns import ROUNDS
from bench.wallet.http import Requests
from bench.wallet.people import AMOUNT, CURRENCY, People
from bench.wallet.server import serving
from core import clock, ids
from core.db import transaction
from core.web.principals import Principal

TOKENS = 1_000
#: Payments of one turn: a proof is good for a minute, and two thousand are made and sent in a few seconds.
PAYMENTS = int(os.environ.get("BENCH_PAYMENTS", "2000"))
#: Few, so that what is measured beside the shares is payments, and not tokens that are seen for the first time; as many
#: as need not pay more than sixty times an hour, which is their limit.
_PAYERS = 300
_TIMES = 50
_MOST_SHARE = 0.05
_PATH = "/app/v1/payments"


def rows(url: str, everyone: People) -> list[Figure]:
    now = clock.now()
    _revoke_others(now)
    held = [_token(customer_id, now) for customer_id in everyone.customers[:TOKENS]]
    warm = median(_warm(held) for _ in range(ROUNDS))
    cold = median(_cold(held) for _ in range(ROUNDS))

    with serving(url, environment=world.NO_LIMITS) as server:
        # What each process does but once is no payment's.
        world.cost_us(url, server, _payments(everyone), expected="201")
        turns = [
            (
                world.cost_us(url, server, _payments(everyone), expected="201"),
                world.cost_us(url, server, _proved_payments(everyone), expected="201"),
            )
            for _ in range(ROUNDS)
        ]
    bearer, proved = (_medians([turn[which] for turn in turns]) for which in (0, 1))
    payment = sum(bearer.values())
    beside = "CPU of a wallet payment, same run"
    # Two processes see each token once in ten minutes; an app that asks once a minute pays this.
    amortised = {"once_a_minute_us": round(warm + cold * 2 / 10, 1)}
    return [
        Figure("auth.verify_share", round(warm, 2), "µs", beside, round(payment, 1), {"most_share": _MOST_SHARE}),
        Figure("auth.verify_cold", round(cold, 1), "µs", beside, round(payment, 1), amortised),
        Figure(
            "auth.dpop_request", round(sum(proved.values()), 1), "µs", "the same payment by a bearer token",
            round(payment, 1), {"ours": proved, "theirs": bearer},
        ),
    ]  # fmt: skip


def _revoke_others(now: datetime) -> None:
    """As many as sign out in the time that a process keeps them, at one a second."""
    with transaction() as session:
        for _ in range(600):
            revocations.add(session, f"family:{uuid4()}", now=now)


def _token(customer_id: Any, now: datetime, jkt: bytes | None = None) -> str:
    """One of an app, with all that a sign-in puts into it."""
    principal = Principal(
        kind="customer",
        id=customer_id,
        session_id=ids.new(),
        family_id=ids.new(),
        auth_time=int(now.timestamp()),
        acr="1fa",
    )
    return tokens.mint(
        principal, audience=tokens.APP, client_id="pocketful-app", now=now, ttl=timedelta(hours=2),
        scope="openid offline_access", amr=("otp", "sms"), jkt=jkt,
    )  # fmt: skip


def _warm(held: Sequence[str]) -> float:
    """Microseconds for each look at one of many known tokens, in any order."""
    for token in held:
        tokens.verify(token, tokens.APP, now=clock.now())
    asked = random.choices(held, k=TOKENS * _TIMES)
    begun = process_time()
    for token in asked:
        _guard(token)
    return (process_time() - begun) / len(asked) * 1e6


def _cold(held: Sequence[str]) -> float:
    verifying.forget_verified()
    begun = process_time()
    for token in held:
        _guard(token)
    return (process_time() - begun) / len(held) * 1e6


def _guard(token: str) -> None:
    now = clock.now()
    revocations.look(now)
    tokens.verify(token, tokens.APP, now=now)


def _payments(everyone: People) -> Requests:
    now = clock.now()
    held = [f"Bearer {_token(payer, now)}" for payer in everyone.customers[:_PAYERS]]
    return [_payment(everyone, [f"Authorization: {held[n % _PAYERS]}"]) for n in range(PAYMENTS)]


def _proved_payments(everyone: People) -> Requests:
    """The same, each with a proof of the key that its token is bound to: as DPOP_EVERY_REQUEST has it."""
    now = clock.now()
    apps = [_App(payer, now) for payer in everyone.customers[:_PAYERS]]
    return [_payment(everyone, apps[n % _PAYERS].headers(now)) for n in range(PAYMENTS)]


class _App:
    """An app with a key of its own and a token that is bound to it."""

    def __init__(self, customer_id: Any, now: datetime) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._jwk = jwk.of(self._key.public_key())
        self._token = _token(customer_id, now, jwk.thumbprint(self._jwk))

    def headers(self, now: datetime) -> list[str]:
        claims = {
            "jti": str(uuid4()),
            "htm": "POST",
            "htu": ring.issuer() + _PATH,
            "iat": int(now.timestamp()),
            "ath": proofs.ath_of(self._token),
        }
        proof = jwt.encode(claims, self._key, "ES256", headers={"typ": proofs.TYPE, "jwk": self._jwk})
        return [f"Authorization: DPoP {self._token}", f"DPoP: {proof}"]


def _payment(everyone: People, headers: list[str]) -> tuple[str, str]:
    money = {"amount_minor": AMOUNT, "currency": CURRENCY}
    body = json.dumps({"merchant_id": str(random.choice(everyone.merchants)), "amount": money, "reference": "Till 4"})
    head = [
        f"POST {_PATH} HTTP/1.1",
        "Host: bench",
        "Content-Type: application/json",
        "Accept: application/json",
        *headers,
        f"Content-Length: {len(body)}",
        "Idempotency-Key: ",
    ]
    return "\r\n".join(head), f"\r\n\r\n{body}"


def _medians(seen: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: round(median(one[name] for one in seen), 1) for name in seen[0]}
