"""Families of refresh tokens for the measurements: every token of theirs can be worked out by who has the key, so that
requests are made before the clock runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import insert

from auth import customers
from auth.customers import SignUp
from auth.oauth import families, refresh_tokens
from auth.oauth.models import TokenFamily
from auth.oauth.refresh_tokens import Presented
from auth.proofs import ONE_FACTOR
from auth.sessions.models import LoginSession
from core import crypto, ids
from core.db import transaction

CLIENT = "pocketful-app"
_A_CUSTOMER = 10
_A_CHUNK = 500


@dataclass
class Chain:
    """A family, and the newest of its tokens that was given out."""

    family_id: UUID
    secret: bytes
    generation: int = 0

    def presented(self) -> Presented:
        return Presented(self.family_id, self.generation, self.secret)

    def next(self) -> "Chain":
        return Chain(self.family_id, refresh_tokens.successor(self.secret), self.generation + 1)

    def form(self) -> str:
        token = refresh_tokens.spell(self.family_id, self.generation, self.secret)
        return urlencode({"grant_type": "refresh_token", "client_id": CLIENT, "refresh_token": token})


def made(count: int, *, now: datetime, first_number: int = 0) -> Sequence[Chain]:
    """So many families, each in a session of its own, ten a customer; the customers' telephones begin with a number."""
    numbers = range(first_number, first_number - (-count // _A_CUSTOMER))
    phones = [SignUp(phone=f"+1628{2_000_000 + number}") for number in numbers]
    owners: list[UUID] = []
    for start in range(0, len(phones), _A_CHUNK):
        with transaction() as session:
            owners += customers.sign_up_all(session, phones[start : start + _A_CHUNK], now=now)
    chains = [Chain(family_id, crypto.blind_index("bench.secret", str(family_id))) for family_id in _ids(count)]
    for start in range(0, count, _A_CHUNK):
        rows = [_rows(chain, owners[at // _A_CUSTOMER], now) for at, chain in enumerate(chains)][
            start : start + _A_CHUNK
        ]
        with transaction() as session:
            session.execute(insert(LoginSession), [login for login, _ in rows])
            session.execute(insert(TokenFamily), [family for _, family in rows])
    return chains


def _ids(count: int) -> list[UUID]:
    return [ids.new() for _ in range(count)]


def _rows(chain: Chain, customer_id: UUID, now: datetime) -> tuple[dict[str, object], dict[str, object]]:
    """A session and its family."""
    proved = {"customer_id": customer_id, "client_id": CLIENT, "auth_time": now, "acr": ONE_FACTOR, "amr": ["otp"]}
    login = {
        **proved, "id": chain.family_id, "kind": "app", "created_at": now, "seen_at": now,
        "expires_at": now + families.ABSOLUTE,
    }  # fmt: skip
    family = {
        **proved, "id": chain.family_id, "session_id": chain.family_id, "scope": "", "generation": 0,
        "token": refresh_tokens.kept(chain.secret), "rotated_at": now - timedelta(minutes=10), "created_at": now,
        "idle_seconds": int(families.IDLE.total_seconds()), "ends_at": now + families.ABSOLUTE,
    }  # fmt: skip
    return login, family
