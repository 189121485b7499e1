"""What nobody counts: a sandbox's deeds in the log, in the reports and at the staff door."""

import json
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from flask import Flask

from app import worker
from app.wiring import READERS
from auth import tokens
from core import clock, ids
from core.db import connection_of, transaction
from core.events import LoggedEvent, Reader, readers
from core.web.principals import Principal
from rewards import checks
from rewards.baskets import Basket, Line
from rewards.gift_cards import liability
from rewards.offers import shelf
from tests.rewards.test_api import Door
from tests.rewards.tills.test_sandbox import SandboxTill, pem_of, sandbox_till
from wallet.finance import safeguarding_figures, settlements, trial_balance


@pytest.fixture
def busy(app: Flask) -> SandboxTill:
    """A sandbox in which everything has happened, half of it given back."""
    till = sandbox_till(app)
    till.redeem(till.voucher("gift_card")["code"])
    till.voucher("gift_card")
    taken = till.checkout(till.voucher("accepted")["code"], till.voucher("gift_card")["code"])
    payment = taken.json["payment_id"]
    assert till.post(f"/payments/{payment}/refunds", {}).status_code == 201
    amount = {"amount_minor": 300, "currency": "XTS"}
    assert (
        till.post("/payments", {"customer_code": till.code(), "till_reference": "P", "amount": amount}).status_code
        == 201
    )
    return till


def test_no_reader_sees_it_but_who_gives_vouchers_back(busy: SandboxTill) -> None:
    seen: list[tuple[str, LoggedEvent]] = []
    spying = [
        Reader(
            f"spy.{each.name}",
            lambda _, events, __, name=each.name: seen.extend((name, event) for event in events),
            each.names,
            sees_sandbox=each.sees_sandbox,
        )
        for each in READERS
    ]
    readers.register(spying)
    worker.drain(spying, [], now=clock.now())

    ours = {(name, event.name) for name, event in seen if event.name not in _OF_STAFF}
    assert ours == {("rewards.refunded_vouchers", "payment.refunded")}
    assert len(busy_events()) > 5


#: What setting a sandbox up tells of it: nothing about a customer.
_OF_STAFF = {
    "merchant.added",
    "store.added",
    "terminal.added",
    "campaign.created",
    "campaign.funded",
    "campaign.started",
}


def busy_events() -> list[str]:
    with transaction() as session:
        query = "SELECT name FROM core.event WHERE payload ->> 'currency' = 'XTS' OR customer_id IS NOT NULL"
        return [row[0] for row in connection_of(session).execute(query)]


def test_nothing_is_settled_or_kept_safe_or_owed_on_cards(busy: SandboxTill) -> None:
    later = clock.now() + timedelta(seconds=1)

    with transaction() as session:
        assert liability.of(session, as_of=later) == []
    with transaction() as session:
        assert safeguarding_figures.at_instant(connection_of(session), later) == []
        assert settlements.close(session, until=later, merchant_id=None, actor="staff:test", now=later).closed == []


def test_it_stands_apart_in_the_trial_balance_and_both_audits_agree(busy: SandboxTill) -> None:
    worker.drain(READERS, [], now=clock.now())

    with transaction() as session:
        connection = connection_of(session)
        [balance] = trial_balance.now(connection)
        assert (balance.asset, balance.is_balanced) == ("XTS", True)
        assert checks.first_difference(connection) is None


def test_its_campaigns_are_shown_to_no_basket_elsewhere(busy: SandboxTill) -> None:
    assert busy.sandbox is not None
    basket = Basket((Line("tea", "TEA", "1", 2_000),))
    ours = {UUID(each) for each in busy.sandbox.campaigns.values()}

    with transaction() as session:
        _, index = shelf.current(connection_of(session))
    inside = index.candidates(basket, store_id=busy.sandbox.store_id, audiences=frozenset())
    outside = index.candidates(basket, store_id=ids.new(), audiences=frozenset())

    assert ours & set(inside)
    assert not ours & set(outside)


def test_refunded_checkout_s_vouchers_are_free_again(busy: SandboxTill) -> None:
    given = busy.voucher("accepted")["code"]
    taken = busy.checkout(given).json
    assert busy.post(f"/payments/{taken['payment_id']}/refunds", {}).status_code == 201
    worker.drain(READERS, [], now=clock.now())

    assert busy.checkout(given).status_code == 201


def test_staff_make_a_sandbox_and_hand_its_token_out(app: Flask) -> None:
    staff = Door(app, "/admin/v1", tokens.ADMIN, Principal("staff", ids.new(), permissions=_PERMISSIONS))
    asked = {"name": "Till Works", "public_key": pem_of(ed25519.Ed25519PrivateKey.generate())}

    made = staff.post("/sandbox-merchants", asked, key="one")
    again = staff.post("/sandbox-merchants", asked, key="one")
    same_key = staff.post("/sandbox-merchants", asked)
    bad_key = staff.post("/sandbox-merchants", asked | {"public_key": "-----BEGIN"})
    minted = staff.post(f"/sandbox-merchants/{made.json['merchant_id']}/tokens", {})
    nobody = staff.post(f"/sandbox-merchants/{ids.new()}/tokens", {})

    assert (made.status_code, again.json) == (201, made.json)
    assert same_key.json["code"] == "public_key_taken"
    assert bad_key.json["code"] == "public_key_invalid"
    assert [each["merchant_id"] for each in staff.get("/sandbox-merchants").json["items"]] == [made.json["merchant_id"]]
    headers = {"Authorization": f"Bearer {minted.json['access_token']}"}
    shown = app.test_client().get("/merchant/v1/sandbox", headers=headers)
    assert shown.json["terminal_id"] == made.json["terminal_id"]
    assert nobody.status_code == 404


_PERMISSIONS = frozenset({"sandboxes.write", "sandboxes.read"})


def test_suspended_sandbox_gets_no_token(app: Flask) -> None:
    staff = Door(app, "/admin/v1", tokens.ADMIN, Principal("staff", ids.new(), permissions=_PERMISSIONS))
    till = sandbox_till(app)
    assert till.sandbox is not None
    with transaction() as session:
        query = "UPDATE auth.merchant SET status = 'suspended' WHERE id = %s"
        connection_of(session).execute(query, [till.sandbox.merchant_id])

    assert staff.post(f"/sandbox-merchants/{till.sandbox.merchant_id}/tokens", {}).status_code == 404


def test_operator_makes_one_by_command(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "till.pub.pem"
    path.write_text(pem_of(ed25519.Ed25519PrivateKey.generate()))
    runner = app.test_cli_runner()

    made = runner.invoke(args=["sandbox-merchant", "create", "--name", "Till Works", "--public-key", str(path)])
    merchant_id = json.loads(made.output)["merchant_id"]
    minted = runner.invoke(args=["sandbox-merchant", "token", merchant_id])
    real = runner.invoke(args=["sandbox-merchant", "token", str(ids.new())])

    assert ids.is_sandbox(UUID(merchant_id))
    headers = {"Authorization": f"Bearer {minted.output.strip()}"}
    assert app.test_client().get("/merchant/v1/sandbox", headers=headers).status_code == 200
    assert real.exit_code == 1
