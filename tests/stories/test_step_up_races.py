"""Approvals under a rush over two server processes, and under kill -9: one payment each, or none."""

import json
import os
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from auth import customers, merchants, tokens
from auth.proofs import Owner
from core import clock, ids
from core.db import statement, transaction
from core.settings import Settings
from core.web.principals import Principal
from tests.auth.authenticator import PRESENT, Authenticator
from tests.auth.passkeys.conftest import added
from tests.stories.conftest import StartProcess, answers, wait_until
from tests.wallet.conftest import balance, open_cash, open_payable
from wallet import accounts, checks

AT_ONCE, AMOUNT, CASH = 30, 30_000, 3_000_000

Answer = tuple[int, Any]


@dataclass
class Payer:
    """A customer with $30,000 and a passkey, whose app speaks to a server process."""

    customer_id: UUID
    shop_id: UUID
    token: str
    device: Authenticator = field(default_factory=Authenticator)

    def ask(self, address: str, method: str, path: str, body: Any, key: str = "") -> Answer:
        request = urllib.request.Request(
            f"{address}/app/v1{path}",
            method=method,
            data=json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "Idempotency-Key": key or str(ids.new()),
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def asked(self, address: str) -> Any:
        wish = {"purpose": "payment", "amount": usd(AMOUNT), "payee": {"merchant_id": str(self.shop_id)}}
        status, approval = self.ask(address, "POST", "/approvals", wish)
        assert status == 201, approval
        return approval

    def approved(self, address: str) -> str:
        approval = self.asked(address)
        status, told = self.prove(address, approval, self.device.get(approval["passkey"]))
        assert status == 200, told
        return str(approval["id"])

    def prove(self, address: str, approval: Any, credential: Any) -> Answer:
        return self.ask(address, "PUT", f"/approvals/{approval['id']}/proof", {"credential": credential})

    def pay(self, address: str, approval_id: str, key: str = "") -> Answer:
        body = {"merchant_id": str(self.shop_id), "amount": usd(AMOUNT), "approval_id": approval_id}
        return self.ask(address, "POST", "/payments", body, key)

    def spent(self) -> int:
        with statement() as connection:
            return CASH - balance(connection, accounts.of_customer(self.customer_id, "USD").id)


def usd(amount_minor: int) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": "USD"}


@pytest.fixture
def payer(database: None, settings: Settings) -> Payer:
    tokens.load_key(settings)
    now = clock.now()
    with transaction() as session:
        shop_id = merchants.add_merchant(session, name="Corner Shop", now=now).id
        customer_id = customers.sign_up(session, phone="+12125550142", locale=None, time_zone=None, now=now).id
    with statement() as connection:
        open_cash(connection, CASH, customer_id=customer_id)
        open_payable(connection, shop_id)
    token = tokens.mint(
        Principal("customer", customer_id), audience=tokens.APP, client_id="app", now=now, ttl=timedelta(minutes=10)
    )
    payer = Payer(customer_id, shop_id, token)
    added(Owner(customer_id=customer_id), payer.device, now=now)
    return payer


def together(act: Callable[[int], Answer]) -> Sequence[Answer]:
    """The answers of so many who all begin in one instant."""
    ready = threading.Barrier(AT_ONCE)

    def one(number: int) -> Answer:
        ready.wait()
        return act(number)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


def codes_of(told: Sequence[Answer]) -> Counter[Any]:
    return Counter(status if status < 400 else body["code"] for status, body in told)


def test_one_approval_pays_once_under_thirty_keys(lasting_server: str, payer: Payer) -> None:
    approval_id = payer.approved(lasting_server)

    told = together(lambda _: payer.pay(lasting_server, approval_id))

    assert codes_of(told) == {201: 1, "approval_used": AT_ONCE - 1}
    assert payer.spent() == AMOUNT
    with statement() as connection:
        assert checks.first_difference(connection) is None


def test_one_approval_pays_once_under_one_key(lasting_server: str, payer: Payer) -> None:
    approval_id = payer.approved(lasting_server)

    told = together(lambda _: payer.pay(lasting_server, approval_id, key="basket 4"))

    found = codes_of(told)
    assert set(found) <= {201, "idempotency_in_flight"}
    assert len({body["id"] for status, body in told if status == 201}) == 1
    assert payer.spent() == AMOUNT


def test_thirty_wrong_proofs_are_five_tries(lasting_server: str, payer: Payer) -> None:
    approval = payer.asked(lasting_server)
    wrong = [payer.device.get(approval["passkey"], flags=PRESENT) for _ in range(AT_ONCE)]

    told = together(lambda number: payer.prove(lasting_server, approval, wrong[number]))

    assert codes_of(told) == {"passkey_refused": 5, "approval_mismatch": AT_ONCE - 5}
    assert sorted(body["tries_left"] for _, body in told if "tries_left" in body) == [0, 1, 2, 3, 4]
    assert payer.prove(lasting_server, approval, payer.device.get(approval["passkey"]))[0] == 422


@pytest.fixture
def server_to_kill(start_process: StartProcess) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = start_process("-m", "flask", "--app", "wsgi", "serve", "--port", str(port), "--processes", "1")
    address = f"http://127.0.0.1:{port}"
    wait_until(lambda: process.poll() is not None or answers(f"{address}/readyz"), within_seconds=120)
    yield address, process


def test_a_server_killed_between_approval_and_posting_has_done_neither(
    server_to_kill: tuple[str, subprocess.Popen[bytes]], lasting_server: str, payer: Payer, settings: Settings
) -> None:
    address, process = server_to_kill
    approval_id = payer.approved(address)
    cash = accounts.of_customer(payer.customer_id, "USD").id

    with psycopg.connect(settings.database_url) as holder, ThreadPoolExecutor(1) as pool:
        # The payment has used its approval up, and waits for the balance.
        holder.execute("SELECT FROM wallet.balance WHERE account_id = %s FOR UPDATE", [cash])
        paying = pool.submit(lost, lambda: payer.pay(address, approval_id, key="basket 4"))
        wait_until(lambda: is_waiting(settings), within_seconds=20)
        os.killpg(process.pid, signal.SIGKILL)
        assert paying.result() is None
    wait_until(lambda: not is_waiting(settings), within_seconds=20)

    assert payer.spent() == 0
    assert payer.ask(lasting_server, "GET", f"/approvals/{approval_id}", None)[1]["status"] == "approved"
    first, again = (payer.pay(lasting_server, approval_id, key="basket 4") for _ in range(2))
    assert first[0] == 201
    assert again == first
    assert payer.spent() == AMOUNT


def lost(act: Callable[[], Answer]) -> Answer | None:
    """What was answered; None where the connection went instead."""
    try:
        return act()
    except (urllib.error.URLError, OSError):
        return None


def is_waiting(settings: Settings) -> bool:
    """Whether a payment waits for a lock."""
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        return bool(
            connection.execute(
                "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).rowcount
        )
