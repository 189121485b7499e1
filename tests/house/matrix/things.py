"""One of each thing that a path names, with whoever asks for it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from flask import Flask
from werkzeug.test import TestResponse

from auth import customer_codes, customers, merchants, sessions, tokens
from auth.authorizing import consents as partners
from auth.federated import identities
from auth.federated.checking import Claimed
from auth.passkeys import registering
from auth.privacy import exporting
from auth.proofs import ONE_FACTOR, PHISHING_RESISTANT, Owner, Proved
from auth.step_up import approvals as step_ups
from auth.step_up import binding
from core import clock, ids
from core.db import transaction
from core.delivery import messages
from core.web.principals import Principal
from engage import inbox
from engage.inbox import NewItem
from rewards import campaigns, checkouts, vouchers
from rewards.baskets import Basket, Line
from rewards.campaigns import Draft
from rewards.checkouts import CheckoutRequest
from rewards.offline.models import OfflineKey
from rewards.vouchers import Issue, batches, exports
from rewards.vouchers import work as vouchers_work
from tests.auth.authenticator import Authenticator
from wallet.finance import settlements
from wallet.paying.tills import Till

#: What those operations are asked with that refuse an empty body.
BODIES = {
    "POST /merchant/v1/holds/{hold_id}/captures": {"amount_minor": 1},
    # A part of it: the rest is voided.
    "POST /merchant/v1/redemptions/{redemption_id}/rollbacks": {"amount_minor": 1},
    "PUT /app/v1/sendings/{sending_id}/status": {"status": "cancelled"},
    "POST /app/v1/gift-cards/{gift_card_id}/loads": {"amount": {"amount_minor": 1, "currency": "USD"}},
    "POST /app/v1/vouchers/{voucher_id}/gifts": {"phone": "+12025550149"},
    "POST /app/v1/vouchers/{voucher_id}/checks": {
        "basket": {"lines": [{"sku": "milk", "quantity": "1", "amount_minor": 1}]},
        "currency": "USD",
    },
    "PUT /app/v1/money-requests/{money_request_id}/status": {"status": "declined"},
    "PUT /app/v1/approvals/{approval_id}/proof": {"credential": {}},
    "PATCH /app/v1/passkeys/{passkey_id}": {"name": "Ada's old phone"},
    "POST /app/v1/messages/{message_id}/receipts": {"what": "opened"},
}

NOBODYS = "01900000-0000-7000-8000-000000000000"


@dataclass
class Asker:
    """Somebody with a token, who asks for operations as the table names them."""

    app: Flask
    principal: Principal
    audience: str
    headers: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        minted = tokens.mint(
            self.principal, audience=self.audience, client_id="test", now=clock.now(), ttl=timedelta(minutes=5)
        )
        self.headers = {"Authorization": f"Bearer {minted}"}

    def ask(self, operation: str, body: Any = None, **named: object) -> TestResponse:
        method, path = operation.split(" ")
        for name in names_in(path):
            path = path.replace(f"{{{name}}}", str(named.get(name, NOBODYS)))
        headers = self.headers | {"Idempotency-Key": str(ids.new())}
        sent = {} if body is None and method != "GET" else body
        return self.app.test_client().open(path, method=method, json=sent, headers=headers)


def body(operation: str, things: dict[str, object]) -> Any:
    if operation == "POST /app/v1/gift-cards/{gift_card_id}/merges":
        return {"into_id": str(things["loaded_card_id"])}
    return BODIES.get(operation)


def named(operation: str, things: dict[str, object]) -> dict[str, object]:
    """What is paid cannot be declined as well, nor a card be merged and given at once."""
    if operation == "PUT /app/v1/money-requests/{money_request_id}/status":
        return things | {"money_request_id": things["declined_id"]}
    if operation == "POST /app/v1/vouchers/{voucher_id}/gifts":
        return things | {"voucher_id": things["given_card_id"]}
    card = {"loads": "loaded", "merges": "merged", "refunds": "refunded"}.get(operation.rsplit("/", maxsplit=1)[-1])
    return things | {"gift_card_id": things[f"{card}_card_id"]} if card and "/gift-cards/" in operation else things


def names_in(path: str) -> Iterator[str]:
    return (part[1:-1] for part in path.split("/") if part.startswith("{"))


def terminal(app: Flask, merchant_id: UUID, *, store_id: UUID | None = None) -> Asker:
    principal = Principal("terminal", ids.new(), merchant_id=merchant_id, store_id=store_id or ids.new())
    return Asker(app, principal, tokens.MERCHANT)


def customer_with(app: Flask, phone: str = "+12025550143") -> Asker:
    with transaction() as session:
        known = customers.sign_up(session, phone=phone, locale=None, time_zone=None, now=clock.now())
    signed_in = int(clock.now().timestamp())
    return Asker(app, Principal("customer", known.id, auth_time=signed_in, acr=PHISHING_RESISTANT), tokens.APP)


def shop() -> tuple[UUID, UUID]:
    """A merchant and its store."""
    with transaction() as session:
        merchant_id = merchants.add_merchant(session, name="Corner Shop", now=clock.now()).id
        return merchant_id, merchants.add_store(session, merchant_id=merchant_id, name="Main St", now=clock.now()).id


def things_of(customer: Asker, till: Asker) -> dict[str, object]:
    """One of each thing that a path names: a top-up, a payment, a voucher, a message in the inbox and the like."""
    now, customer_id = clock.now(), customer.principal.id
    amount = {"amount_minor": 500, "currency": "USD"}
    topup = customer.ask("POST /app/v1/topups", {"amount": amount, "source": "sandbox_ok"})
    customer.ask("POST /app/v1/topups/intents", {"amount": amount})
    payment = customer.ask("POST /app/v1/payments", {"amount": amount, "merchant_id": str(till.principal.merchant_id)})
    request = till.ask("POST /merchant/v1/payment-requests", {"amount": amount, "till_reference": "B-1"})
    check = customer.ask("POST /app/v1/identity-checks", {"document_token": "sandbox_review"})
    draft = Draft(
        name="Five off",
        kind="coupon",
        discount={"kind": "amount", "amount_minor": 500},
        currency="USD",
        starts_at=now,
        ends_at=now + timedelta(days=1),
        starts_now=True,
    )
    with transaction() as session:
        campaign_id = campaigns.create(session, draft, actor="staff:test", now=now)
        voucher = vouchers.issue(session, Issue(campaign_id=campaign_id, customer_id=customer_id, source="t"), now=now)
        gift = replace(draft, kind="gift_card", discount={"kind": "value", "amount_minor": 500}, budget_minor=500)
        gift_campaign_id = campaigns.create(session, gift, actor="staff:test", now=now)
        inbox.put_all(session, [NewItem(customer_id, "For you", "Five off", voucher.id)], now=now)
        [item] = inbox.list_(session, customer_id, before=None, limit=1, now=now)
        message_id = messages.enqueue(
            session,
            customer_id=customer_id,
            channel="push",
            recipient="token",
            content={"title": "For you", "body": "Five off"},
            purpose="transactional",
            due_at=now,
            now=now,
        )
    customer.ask("POST /app/v1/topups", {"amount": amount, "source": "sandbox_ok"})
    some = {"amount_minor": 100, "currency": "USD"}
    sending = customer.ask("POST /app/v1/sendings", {"to": {"link": True}, "amount": some})
    friend = customer_with(customer.app, "+12025550144")
    asked = [
        friend.ask("POST /app/v1/money-requests", {"from": {"phone": "+12025550143"}, "amount": some}) for _ in range(2)
    ]
    assert sending.json and asked[0].json and asked[1].json
    with transaction() as session:
        given = Issue(campaign_id=gift_campaign_id, customer_id=customer_id, source="gift")
        card = vouchers.issue(session, given, now=now)
    assert topup.json and payment.json and check.json and request.json
    hold = _hold_of(customer, till)
    coupon = replace(draft, budget_minor=1_000, limit_per_customer=2)
    redemption_id, checkout_id = _used_at(till, customer_id, coupon)
    with transaction() as session:
        run = settlements.close(session, until=clock.now(), merchant_id=None, actor="staff:test", now=clock.now())
        partners.let_in(session, customer_id, "pocketful-app", "openid", now=now)
    gift_cards = _gift_cards_of(customer)
    _put_offline_key(customer_id)
    return {
        **gift_cards,
        "session_id": _session_of(customer_id),
        "settlement_id": run.closed[0].row.id,
        "topup_id": topup.json["id"],
        "payment_method_id": "sandbox_ok",
        "payment_id": payment.json["id"],
        "request_id": request.json["id"],
        "hold_id": hold["id"],
        "redemption_id": redemption_id,
        "activation_id": _sold_at(till, gift),
        "checkout_id": checkout_id,
        "gift_card_id": card.id,
        "identity_check_id": check.json["id"],
        "identity_id": _identity_of(customer_id),
        "sending_id": sending.json["id"],
        "money_request_id": asked[0].json["id"],
        "declined_id": asked[1].json["id"],
        "voucher_id": voucher.id,
        "item_id": item.id,
        "message_id": message_id,
        "client_id": "pocketful-app",
        "export_id": _export_of(customer_id),
        "passkey_id": _passkey_of(customer_id),
        "approval_id": _approval_of(customer_id),
        "visit_id": (visit_id := _visit_of(customer, till)),
        "reservation_id": _reservation_of(till, visit_id),
    }


def _session_of(customer_id: UUID) -> UUID:
    """Somewhere else where the customer is signed in."""
    signed_in = Proved(owner=Owner(customer_id=customer_id), auth_time=clock.now(), acr=ONE_FACTOR, amr=("otp",))
    with transaction() as session:
        return sessions.begin(session, proved=signed_in, kind="web", client_id="pocketful-app", now=clock.now()).id


def _identity_of(customer_id: UUID) -> UUID:
    """As whom Google knows the customer."""
    known = Claimed("google", "pocketful.apps.googleusercontent.com", customer_id.bytes, None)
    with transaction() as session:
        return identities.link(session, customer_id, known, now=clock.now()).id


def _put_offline_key(customer_id: UUID) -> None:
    """A key of a telephone, without which there is no offline token."""
    text = public_key()
    with transaction() as session:
        key = OfflineKey(customer_id=customer_id, public_key=text, fingerprint=b"one", registered_at=clock.now())
        session.add(key)


def _export_of(customer_id: UUID) -> UUID:
    with transaction() as session:
        export = exporting.ask(session, customer_id, actor="test", now=clock.now())
    exporting.work_off(clock.now())
    return export.id


def _approval_of(customer_id: UUID) -> UUID:
    """Of a gift card that is about to be bought."""
    with transaction() as session:
        asked = step_ups.ask(
            session, customer_id=customer_id, family_id=None, purpose="gift_card", amount_minor=100, currency="USD",
            payee=binding.BRAND, now=clock.now(),
        )  # fmt: skip
        return asked.id


def _passkey_of(customer_id: UUID) -> UUID:
    owner, now = Owner(customer_id=customer_id), clock.now()
    with transaction() as session:
        ceremony_id, options = registering.options(session, owner, name="•••0143", now=now)
        made = Authenticator().create(options)
        return registering.add(session, owner, ceremony_id, made, name="Ada's", is_trusted=True, now=now).id


def public_key() -> str:
    """Of a pair whose private half nobody keeps (PEM)."""
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(*form).decode()


def _used_at(till: Asker, customer_id: UUID, coupon: Draft) -> tuple[Any, UUID]:
    """A coupon of a customer's that the till has redeemed by itself, and in a checkout."""
    now, who = clock.now(), till.principal
    assert who.merchant_id and who.store_id
    with transaction() as session:
        campaign_id = campaigns.create(session, coupon, actor="staff:test", now=now)
        voucher = vouchers.issue(session, Issue(campaign_id=campaign_id, customer_id=customer_id, source="u"), now=now)
    line = {"sku": "milk", "quantity": "1", "amount_minor": 500}
    body = {"voucher_id": str(voucher.id), "basket": {"lines": [line]}, "currency": "USD", "till_reference": "U-1"}
    redeemed = till.ask("POST /merchant/v1/redemptions", body)
    request = CheckoutRequest(
        customer_id=customer_id, basket=Basket((Line("milk", "", "1", 500),)), currency="USD", till_reference="U-2",
        till=Till(merchant_id=who.merchant_id, store_id=who.store_id, terminal_id=who.id), vouchers=(voucher.id,),
    )  # fmt: skip
    with transaction() as session:
        taken = checkouts.take(session, request, now=clock.now())
    assert redeemed.json
    return redeemed.json["id"], taken.id


def _sold_at(till: Asker, gift: Draft) -> Any:
    """A printed gift card that the till has sold."""
    with transaction() as session:
        campaign_id = campaigns.create(session, gift, actor="staff:test", now=clock.now())
        asked = {"pattern": None, "funding": "till", "source": "t", "actor": "staff:test", "now": clock.now()}
        batch_id = batches.ask_for_codes(session, campaign_id=campaign_id, count=1, **asked).id
    while vouchers_work.work_off(clock.now()):
        pass
    code = b"".join(exports.parts(batch_id, now=clock.now())).decode().splitlines()[1].split(",")[0]
    body = {"code": code, "amount": {"amount_minor": 500, "currency": "USD"}, "till_reference": "C-1"}
    return (till.ask("POST /merchant/v1/gift-card-activations", body).json or {})["id"]


def _gift_cards_of(customer: Asker) -> dict[str, object]:
    """Bought ones, one for each deed that it can only be used for once, and one that is on its way to a friend."""
    amount = {"amount_minor": 100, "currency": "USD"}
    customer.ask("POST /app/v1/topups", {"amount": {**amount, "amount_minor": 600}, "source": "sandbox_ok"})
    names = ("loaded", "merged", "refunded", "given", "parted")
    bought = {name: customer.ask("POST /app/v1/gift-cards", {"amount": amount}).json for name in names}
    cards: dict[str, object] = {f"{name}_card_id": (card or {})["id"] for name, card in bought.items()}
    path = f"POST /app/v1/vouchers/{cards['parted_card_id']}/gifts"
    return cards | {"gift_id": (customer.ask(path, {"phone": "+12025550149"}).json or {})["id"]}


def _visit_of(customer: Asker, till: Asker) -> str:
    with transaction() as session:
        code = customer_codes.current(session, customer.principal.id, now=clock.now())
    return str((till.ask("POST /merchant/v1/visits", {"customer_code": code}).json or {})["id"])


def _reservation_of(till: Asker, visit_id: str) -> str:
    line = {"sku": "milk", "quantity": "1", "amount_minor": 500}
    body = {"visit_id": visit_id, "basket": {"lines": [line]}, "currency": "USD", "till_reference": "V-1"}
    return str((till.ask("POST /merchant/v1/reservations", body).json or {})["id"])


def _hold_of(customer: Asker, till: Asker) -> dict[str, Any]:
    """Two cents of the customer's, held by the till."""
    customer.ask("POST /app/v1/topups", {"amount": {"amount_minor": 2, "currency": "USD"}, "source": "sandbox_ok"})
    with transaction() as session:
        code = customer_codes.current(session, customer.principal.id, now=clock.now())
    amount = {"amount_minor": 2, "currency": "USD"}
    body = {"customer_code": code, "amount": amount, "till_reference": "H-1"}
    hold: dict[str, Any] = till.ask("POST /merchant/v1/holds", body).json or {}
    return hold
