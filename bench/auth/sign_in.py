"""A customer's sign-in by a texted code: three requests from the number to the tokens, in CPU of the server and of
PostgreSQL. What sends the message is left out, and the codes are known beside the clock: the measurement writes their
HMACs itself.
"""

import os
import secrets
from datetime import UTC, datetime
from urllib.parse import urlencode

from sqlalchemy import select, update

from auth import customers, opaque
from auth.native import otp
from auth.native.models import SignIn
from auth.oauth import pkce
from auth.oauth.models import AuthorizationCode
from bench import processes
from bench.figures import Figure
from bench.wallet.http import Requests, load
from bench.wallet.server import Server, serving
from core.db import transaction

#: Half of them are customers before.
PEOPLE = int(os.environ.get("BENCH_SIGN_INS", "500"))
MOST_MS = 25
_FIRST = 100
_OTP = "123456"


def rows(url: str) -> list[Figure]:
    """What one sign-in costs, beside the most that it may."""
    everyone = [_Person(number) for number in range(PEOPLE)]
    with transaction() as session:
        for person in everyone[::2]:
            customers.sign_up(session, phone=person.phone, locale=None, time_zone=None, now=datetime.now(UTC))

    # One machine is many customers here: each comes with an address of its own, as from behind a proxy.
    with serving(url, environment={"TRUSTED_PROXIES": "1"}) as server:
        # What each process does but once (its first connections, its first statements) is no sign-in's.
        _sign_in(url, server, [_Person(PEOPLE + number) for number in range(_FIRST)])
        parts = _sign_in(url, server, everyone)

    more = {f"{name}_{part}": round(value, 2) for name, seen in parts.items() for part, value in seen.items()}
    total = sum(seen["server_ms"] + seen["postgres_ms"] for seen in parts.values())
    return [Figure("auth.sign_in_ms", round(total, 2), "ms", "the most that it may take", MOST_MS, more)]


def _sign_in(url: str, server: Server, everyone: list["_Person"]) -> dict[str, dict[str, float]]:
    """What each of the three requests costs."""
    parts = {"ask": _costs(url, server, [person.ask() for person in everyone], expected="400")}
    _know_the_codes(everyone)
    parts["prove"] = _costs(url, server, [person.prove() for person in everyone], expected="200")
    _know_the_authorization_codes(everyone)
    parts["token"] = _costs(url, server, [person.redeem() for person in everyone], expected="200")
    return parts


class _Person:
    """One telephone: a number among fifty of its prefix, an address, and the secrets that it will be known by."""

    def __init__(self, number: int) -> None:
        self.phone = f"+1{212 + number // 50}55{number:05}"
        self._address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        self._verifier = secrets.token_urlsafe(32)
        self.challenge = pkce.challenge_of(self._verifier)
        self.handle, self.code = opaque.new(), opaque.new()

    def ask(self) -> tuple[str, str]:
        return self._post(
            "/oauth/authorize-challenge",
            login_hint=self.phone,
            code_challenge=self.challenge,
            code_challenge_method="S256",
        )

    def prove(self) -> tuple[str, str]:
        return self._post("/oauth/authorize-challenge", auth_session=self.handle, otp=_OTP)

    def redeem(self) -> tuple[str, str]:
        return self._post("/oauth/token", grant_type="authorization_code", code=self.code, code_verifier=self._verifier)

    def _post(self, path: str, **form: str) -> tuple[str, str]:
        body = urlencode({"client_id": "pocketful-app", **form})
        head = (
            f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"X-Forwarded-For: {self._address}\r\nContent-Length: {len(body)}\r\nX-Bench: "
        )
        return head, f"\r\n\r\n{body}"


def _costs(url: str, server: Server, requests: Requests, *, expected: str) -> dict[str, float]:
    """Milliseconds of CPU a request, and how long one waited under the load."""
    postmaster = processes.postmaster_of(url)
    before = processes.cpu_seconds(postmaster) if postmaster else 0.0
    done = load(server, requests, expected=expected, count=len(requests))
    spent = (processes.cpu_seconds(postmaster) if postmaster else 0.0) - before
    return {
        "server_ms": done.more["server_us"] / 1000,
        "postgres_ms": spent / done.count * 1000,
        "p50_ms": done.more["p50_ms"],
    }


def _know_the_codes(everyone: list[_Person]) -> None:
    with transaction() as session:
        found = {row.code_challenge: row.id for row in session.scalars(select(SignIn))}
        for person in everyone:
            sign_in_id = found[person.challenge]
            values = {
                "handle": opaque.kept("auth_session", person.handle),
                "otp": otp.kept_otp(sign_in_id, _OTP),
            }
            session.execute(update(SignIn).where(SignIn.id == sign_in_id).values(values))


def _know_the_authorization_codes(everyone: list[_Person]) -> None:
    with transaction() as session:
        for person in everyone:
            mine = update(AuthorizationCode).where(AuthorizationCode.code_challenge == person.challenge)
            session.execute(mine.values(code=opaque.kept("authorization_code", person.code)))
