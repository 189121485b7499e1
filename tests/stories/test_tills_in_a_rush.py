"""Tills before several server processes at once: a device code is worth one till, guesses are counted one by one, and
who is suspended is out everywhere within a second."""

import base64
import hashlib
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import text

from auth import merchants, tokens
from auth.oauth import metadata
from core import clock, ids
from core.db import transaction
from core.settings import Settings
from core.web.principals import Principal
from tests.auth.device_grants.proofs import proof

AT_ONCE = 30


@pytest.fixture
def place(lasting_server: str, settings: Settings) -> tuple[str, UUID]:
    """The servers' address, and a store."""
    tokens.load_key(settings)
    with transaction() as session:
        merchant = merchants.add_merchant(session, name="Corner", now=clock.now())
        return lasting_server, merchants.add_store(session, merchant_id=merchant.id, name="1", now=clock.now()).id


def send(
    address: str, *, form: dict[str, str] | None = None, body: Any = None, method: str | None = None, **headers: str
) -> tuple[int, Any]:
    data = urllib.parse.urlencode(form).encode() if form is not None else None
    if body is not None:
        data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(address, data=data, method=method, headers=named)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        assert error.code < 500, error.read()
        return error.code, json.loads(error.read() or b"null")


def staff(*permissions: str) -> dict[str, str]:
    who = Principal("staff", ids.new(), permissions=frozenset(permissions))
    return {"Authorization": f"Bearer {tokens.mint(who, audience=tokens.ADMIN, client_id='test', now=clock.now())}"}


def together(act: Callable[[], Any], times: int = AT_ONCE) -> Sequence[Any]:
    ready = threading.Barrier(times)

    def one(_: int) -> Any:
        ready.wait()
        return act()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def asked(server: str, key: ed25519.Ed25519PrivateKey) -> Any:
    path = "/oauth/device_authorization"
    status, told = send(f"{server}{path}", form={"client_id": "pocketful-till"}, DPoP=proof(key, path))
    assert status == 200, told
    return told


def test_thirty_polls_at_once_enrol_one_till(place: tuple[str, UUID]) -> None:
    server, store_id = place
    key = ed25519.Ed25519PrivateKey.generate()
    told = asked(server, key)
    body = {"user_code": told["user_code"], "store_id": str(store_id), "name": "Till 1"}
    status, terminal = send(f"{server}/admin/v1/terminals/enrolments", body=body, **staff("terminals.enrol"))
    assert status == 201, terminal
    form = {"client_id": "pocketful-till", "grant_type": metadata.DEVICE_GRANT, "device_code": told["device_code"]}

    answers = together(lambda: send(f"{server}/oauth/token", form=form, DPoP=proof(key, "/oauth/token")))

    outcomes = Counter(answer.get("error", "let in") for _, answer in answers)
    assert outcomes["let in"] == 1 and outcomes["let in"] + outcomes["invalid_grant"] == AT_ONCE, outcomes
    assert [answer["client_id"] for _, answer in answers if "client_id" in answer] == [terminal["id"]]


def test_thirty_people_enrol_a_code_once(place: tuple[str, UUID]) -> None:
    server, store_id = place
    told = asked(server, ed25519.Ed25519PrivateKey.generate())
    body = {"user_code": told["user_code"], "store_id": str(store_id), "name": "Till 1"}

    answers = together(lambda: send(f"{server}/admin/v1/terminals/enrolments", body=body, **staff("terminals.enrol")))

    assert Counter(status for status, _ in answers)[201] == 1
    with transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM auth.terminal")) == 1


def test_thirty_guesses_at_once_are_ten(place: tuple[str, UUID]) -> None:
    server, store_id = place
    body = {"user_code": "BBBB-BBBB", "store_id": str(store_id), "name": "Till 1"}
    same = staff("terminals.enrol")

    answers = together(lambda: send(f"{server}/admin/v1/terminals/enrolments", body=body, **same))

    codes = Counter(answer["code"] for _, answer in answers)
    assert codes["user_code_unknown"] <= 10 and codes["user_codes_limited"] >= AT_ONCE - 10, codes


def test_a_suspended_till_is_out_everywhere_within_a_second(place: tuple[str, UUID]) -> None:
    server, store_id = place
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with transaction() as session:
        terminal = merchants.add_terminal(session, store_id=store_id, name="Till 1", public_key=pem, now=clock.now())
        principal = merchants.principal_of(merchants.till_of(session, terminal.id))
    token = tokens.mint(principal, audience=tokens.MERCHANT, client_id=str(terminal.id), now=clock.now())

    def ask() -> int:
        return send(f"{server}/merchant/v1/store-code", Authorization=f"Bearer {token}")[0]

    def ask_signed() -> int:
        path, body, idempotency_key = "/merchant/v1/redemptions", {"code": "NONE", "basket": {}}, str(uuid4())
        sent = json.dumps(body).encode()
        seconds = int(clock.now().timestamp())
        signed = "\n".join([str(seconds), "POST", path, idempotency_key, hashlib.sha256(sent).hexdigest()])
        signature = f"t={seconds},v1={base64.b64encode(key.sign(signed.encode())).decode()}"
        return send(
            f"{server}{path}", body=body, Authorization=f"Bearer {token}", Idempotency_Key=idempotency_key,
            Terminal_Signature=signature,
        )[0]  # fmt: skip

    assert set(together(ask)) == {200}
    assert 401 not in together(ask_signed, 6)

    body = {"status": "suspended"}
    headers = staff("terminals.write")
    status, _ = send(f"{server}/admin/v1/terminals/{terminal.id}/status", body=body, method="PUT", **headers)
    assert status == 200
    time.sleep(1)  # the second that is promised

    assert set(together(ask)) == {401}
    assert set(together(ask_signed, 6)) == {401}
