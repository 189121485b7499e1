"""Tokens over two server processes: what is revoked, proved and signed in one place counts in the others."""

import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import jwt
import pytest

from auth import customers, tokens
from auth.keys import rotating
from auth.tokens import revocations
from core import clock
from core.db import transaction
from core.settings import Settings
from core.web.principals import Principal
from tests.auth.dpop.prover import Prover
from tests.stories.conftest import wait_until

PATH = "/app/v1/me"
#: Enough that both processes have answered some.
SOME = 24


@pytest.fixture
def customer_id(lasting_server: str, settings: Settings) -> Iterator[UUID]:
    with transaction() as session:
        known = customers.sign_up(session, phone="+12125550142", locale=None, time_zone=None, now=clock.now())
    yield known.id
    tokens.load_key(settings)


def minted(customer_id: UUID, jkt: bytes | None = None) -> str:
    who = Principal(kind="customer", id=customer_id)
    return tokens.mint(who, audience=tokens.APP, client_id="an-app", now=clock.now(), jkt=jkt)


def get(server: str, token: str, proof: str | None = None) -> int:
    """Over a connection of its own, so that either process may have it."""
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof} if proof else {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(server + PATH, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return int(error.code)


def test_what_is_revoked_works_no_more_within_a_second(lasting_server: str, customer_id: UUID) -> None:
    token = minted(customer_id)
    assert {get(lasting_server, token) for _ in range(SOME)} == {200}

    with transaction() as session:
        revocations.add(session, f"customer:{customer_id}", now=clock.now())
    revoked_at = time.monotonic()
    seen: list[tuple[float, int]] = []
    while len([1 for since, _ in seen if since > 1.0]) < SOME:
        seen.append((time.monotonic() - revoked_at, get(lasting_server, token)))

    assert {status for since, status in seen if since > 1.0} == {401}
    assert {get(lasting_server, minted(customer_id)) for _ in range(SOME)} == {200}  # who comes back, later


def test_a_proof_works_once_over_all_processes(lasting_server: str, customer_id: UUID) -> None:
    prover = Prover()
    token = minted(customer_id, prover.jkt)
    proof = prover.proof("GET", PATH, access_token=token)

    with ThreadPoolExecutor(30) as pool:
        seen = Counter(pool.map(lambda _: get(lasting_server, token, proof), range(30)))

    assert seen == {200: 1, 401: 29}


def test_keys_rotate_while_tokens_are_used_and_none_is_refused(lasting_server: str, customer_id: UUID) -> None:
    """The servers learn of keys as they would in a day: here they are waited for."""
    _rotate()
    wait_until(lambda: _are_known(lasting_server, customer_id), within_seconds=15)
    before, seen, over = minted(customer_id), Counter[int](), threading.Event()

    def use() -> None:
        while not over.is_set():
            seen.update([get(lasting_server, minted(customer_id)), get(lasting_server, before)])

    with ThreadPoolExecutor(4) as pool:
        users = [pool.submit(use) for _ in range(4)]
        wait_until(lambda: seen.total() > SOME, within_seconds=10)
        _rotate()
        so_far = seen.total()
        wait_until(lambda: seen.total() > so_far + 2 * SOME, within_seconds=10)
        over.set()
        for user in users:
            user.result()

    assert set(seen) == {200}
    kids = {str(jwt.get_unverified_header(token)["kid"]) for token in (before, minted(customer_id))}
    assert len(kids) == 2


def _rotate() -> None:
    with transaction() as session:
        rotating.rotate(session, actor="operator", at_once=True, now=clock.now())


def _are_known(server: str, customer_id: UUID) -> bool:
    return {get(server, minted(customer_id)) for _ in range(SOME)} == {200}
