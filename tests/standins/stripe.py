"""Plays Stripe's API over loopback: form-encoded requests, JSON objects, its error bodies, its Idempotency-Key, and
webhooks signed as Stripe signs them.

source  https://docs.stripe.com/api (payment_intents, customers, ephemeral_keys, refunds, errors, idempotent_requests)
        and /webhooks, read 2026-11
"""

import json
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import stripe

SECRET_KEY = "sk_test_standin"
PUBLISHABLE_KEY = "pk_test_standin"
WEBHOOK_SECRET = "whsec_standin"

#: Stripe's test methods, and what a charge to each ends in: (status, code, decline_code).
CARDS = {
    "pm_card_visa": ("succeeded", "", ""),
    "tok_visa": ("succeeded", "", ""),
    "pm_card_chargeDeclined": ("declined", "card_declined", "generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": ("declined", "card_declined", "insufficient_funds"),
    "pm_card_expired": ("declined", "expired_card", ""),
    "pm_card_authenticationRequired": ("requires_action", "authentication_required", "authentication_required"),
    "pm_usBankAccount_processing": ("processing", "", ""),
}


@dataclass(frozen=True)
class Behaviour:
    """How the next request that changes something is met.

    fail    500 before anything is done        fault   done, and answered with a 500 that is kept under the key
    drop    done, and the connection closed    hang    done, and never answered
    limit   429                                busy    409: a twin holds the key
    """

    mode: str = "accept"


@dataclass(frozen=True)
class Hook:
    """A webhook as Stripe posts it."""

    body: bytes
    headers: dict[str, str]


@dataclass
class Answer:
    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


class Refused(Exception):
    def __init__(self, status: int, **error: Any) -> None:
        super().__init__(error)
        self.status, self.error = status, error


class Stripe:
    def __init__(self) -> None:
        self.intents: dict[str, dict[str, Any]] = {}
        self.customers: dict[str, dict[str, Any]] = {}
        self.methods: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.headers: list[dict[str, str]] = []
        self._kept: dict[str, tuple[str, Answer]] = {}
        self._script: deque[Behaviour] = deque()
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._numbers = count(1)
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Stripe":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def will(self, *modes: str) -> None:
        """Meet the next POSTs so, one each."""
        self._script.extend(Behaviour(mode) for mode in modes)

    # What happens at Stripe without us.

    def save_card(self, customer: str, method: str = "pm_card_visa") -> str:
        """A method that the customer ticked to save in the sheet; charging it ends as the test method does."""
        made = f"pm_{next(self._numbers)}_{method.removeprefix('pm_')}"
        self.methods[made] = {"id": made, "customer": customer, "like": method}
        return made

    def pay(self, intent_id: str) -> Hook:
        """The customer completes the sheet, or proves who they are."""
        self._settle(self.intents[intent_id])
        return self.event("payment_intent.succeeded", self.intents[intent_id])

    def fail(self, intent_id: str, code: str = "card_declined") -> Hook:
        intent = self.intents[intent_id]
        intent["status"], intent["last_payment_error"] = "requires_payment_method", {"code": code, "type": "card_error"}
        return self.event("payment_intent.payment_failed", intent)

    def give_back(self, intent_id: str, amount: int) -> Hook:
        """Somebody refunds in Stripe's dashboard."""
        intent = self.intents[intent_id]
        intent["refunded"] += amount
        return self.event("charge.refunded", _charge(intent))

    def fail_refund(self, intent_id: str, amount: int, refund_id: str = "") -> Hook:
        """The customer's bank cannot take a refund, days later."""
        intent = self.intents[intent_id]
        intent["refunded"] -= amount
        told = {
            "id": f"re_{next(self._numbers)}", "object": "refund", "amount": amount, "currency": intent["currency"],
            "payment_intent": intent_id, "status": "failed", "failure_reason": "lost_or_stolen_card",
            "metadata": {"refund_id": refund_id} if refund_id else {},
        }  # fmt: skip
        return self.event("refund.failed", told)

    def dispute(self, intent_id: str, amount: int, status: str, *, kind: str = "created", name: str = "dp_1") -> Hook:
        intent = self.intents[intent_id]
        told = {
            "id": name, "object": "dispute", "amount": amount, "currency": intent["currency"], "reason": "fraudulent",
            "status": status, "payment_intent": intent_id, "charge": f"ch_{intent_id}", "metadata": {},
            "evidence": {"customer_email_address": "ana@example.com", "customer_name": "Ana"},
        }  # fmt: skip
        return self.event(f"charge.dispute.{kind}", told)

    def event(self, kind: str, told: dict[str, Any], *, at: int | None = None, secret: str = WEBHOOK_SECRET) -> Hook:
        number = next(self._numbers)
        body = json.dumps(
            {
                "id": f"evt_{number}", "object": "event", "api_version": "2026-10-28.endive",
                "created": 1_790_000_000 + number, "livemode": False, "type": kind, "data": {"object": told},
            }
        )  # fmt: skip
        return signed(body, at=at, secret=secret)

    # The API.

    def meet(self, method: str, path: str, headers: dict[str, str], fields: dict[str, str]) -> Answer | None:
        with self._lock:
            self.asked.append((method, path, fields))
            self.headers.append(headers)
            if headers.get("authorization") != f"Bearer {SECRET_KEY}":
                return _error(401, type="invalid_request_error", message="Invalid API Key provided")
            if method != "POST":
                return self._answered(method, path, fields)
            return self._post(path, headers.get("idempotency-key", ""), fields)

    def _post(self, path: str, key: str, fields: dict[str, str]) -> Answer | None:
        asked = json.dumps([path, sorted(fields.items())])
        if key in self._kept:
            before, answer = self._kept[key]
            if before != asked:
                text = (
                    "Keys for idempotent requests can only be used with the same parameters they were first used with."
                )
                return _error(400, type="idempotency_error", message=text)
            return Answer(answer.status, answer.body, {**answer.headers, "Idempotent-Replayed": "true"})
        mode = self._script.popleft().mode if self._script else "accept"
        if mode == "limit":
            return _error(429, type="invalid_request_error", code="rate_limit", message="Too many requests")
        if mode == "busy":
            return _error(409, type="idempotency_error", code="idempotency_key_in_use", message="A twin is at it")
        if mode == "fail":
            return _error(500, type="api_error", message="An unknown error occurred")
        answer = self._answered("POST", path, fields)
        if mode == "fault":
            answer = _error(500, type="api_error", message="An unknown error occurred")
        if answer.status != 400:  # what fails validation is not kept
            self._kept[key] = (asked, answer)
        if mode == "hang":
            self._lock.release()
            self._closing.wait()
            self._lock.acquire()
        return None if mode in ("hang", "drop") else answer

    def _answered(self, method: str, path: str, fields: dict[str, str]) -> Answer:
        try:
            return Answer(200, self._do(method, path.removeprefix("/v1/").split("/"), fields))
        except Refused as refused:
            return _error(refused.status, **refused.error)

    def _do(self, method: str, path: list[str], fields: dict[str, str]) -> dict[str, Any]:
        match method, path:
            case "POST", ["payment_intents"]:
                return self._create(fields)
            case "GET", ["payment_intents", "search"]:
                wanted = fields["query"].split("'")[3]
                found = [each for each in self.intents.values() if each["metadata"].get("topup_id") == wanted]
                return {"object": "search_result", "data": [_told(each) for each in found], "has_more": False}
            case "GET", ["payment_intents", intent_id]:
                return _told(_of(self.intents, intent_id))
            case "POST", ["payment_intents", intent_id, "cancel"]:
                return self._cancel(_of(self.intents, intent_id))
            case "POST", ["customers"]:
                made = {
                    "id": f"cus_{next(self._numbers)}",
                    "object": "customer",
                    "metadata": _nested(fields, "metadata"),
                }
                self.customers[made["id"]] = made
                return made
            case "GET", ["customers", customer, "payment_methods"]:
                theirs = [_method(each) for each in self.methods.values() if each["customer"] == customer]
                return {"object": "list", "data": theirs, "has_more": False, "url": "/v1/payment_methods"}
            case "GET", ["customers", customer, "payment_methods", name]:
                found_method = _of(self.methods, name)
                if found_method["customer"] != customer:
                    raise Refused(404, type="invalid_request_error", code="resource_missing", message="No such method")
                return _method(found_method)
            case "POST", ["payment_methods", name, "detach"]:
                return _method(self.methods.pop(name) | {"customer": None})
            case "POST", ["ephemeral_keys"]:
                _of(self.customers, fields["customer"])
                return {"id": "ephkey_1", "object": "ephemeral_key", "secret": f"ek_test_{fields['customer']}"}
            case "POST", ["refunds"]:
                return self._refund(_of(self.intents, fields["payment_intent"]), fields)
        raise Refused(404, type="invalid_request_error", message="Unrecognized request URL")

    def _create(self, fields: dict[str, str]) -> dict[str, Any]:
        amount = int(fields["amount"])
        if amount < 50 and fields["currency"] == "usd":
            raise Refused(
                400, type="invalid_request_error", code="amount_too_small", message="Amount must be at least 50"
            )
        name = f"pi_{next(self._numbers)}"
        intent = {
            "id": name, "object": "payment_intent", "amount": amount, "amount_received": 0,
            "currency": fields["currency"], "client_secret": f"{name}_secret_x", "status": "requires_payment_method",
            "customer": fields.get("customer"), "metadata": _nested(fields, "metadata"), "last_payment_error": None,
            "refunded": 0,
        }  # fmt: skip
        if intent["customer"]:
            _of(self.customers, intent["customer"])
        self.intents[name] = intent
        if fields.get("confirm") == "true":
            source = fields.get("payment_method") or fields["payment_method_data[card][token]"]
            self._confirm(intent, source, is_off_session=fields.get("off_session") == "true")
        return _told(intent)

    def _confirm(self, intent: dict[str, Any], source: str, *, is_off_session: bool) -> None:
        saved = self.methods.get(source)
        if saved and saved["customer"] != intent["customer"]:
            raise Refused(
                400, type="invalid_request_error", code="payment_method_customer_mismatch", message="Not theirs"
            )
        like = saved["like"] if saved else source
        if like not in CARDS:
            raise Refused(400, type="invalid_request_error", code="resource_missing", message="No such PaymentMethod")
        status, code, decline_code = CARDS[like]
        if status == "succeeded":
            self._settle(intent)
        elif status == "declined" or (status == "requires_action" and is_off_session):
            intent["last_payment_error"] = {"code": code, "decline_code": decline_code, "type": "card_error"}
            error = {"type": "card_error", "code": code, "message": "Your card was declined."}
            raise Refused(402, **error, **({"decline_code": decline_code} if decline_code else {}))
        else:
            intent["status"] = status

    def _settle(self, intent: dict[str, Any]) -> None:
        intent["status"], intent["amount_received"] = "succeeded", intent["amount"]

    def _cancel(self, intent: dict[str, Any]) -> dict[str, Any]:
        if intent["status"] in ("succeeded", "canceled"):
            code, text = "payment_intent_unexpected_state", "You cannot cancel this PaymentIntent"
            raise Refused(400, type="invalid_request_error", code=code, message=text)
        intent["status"] = "canceled"
        return _told(intent)

    def _refund(self, intent: dict[str, Any], fields: dict[str, str]) -> dict[str, Any]:
        amount = int(fields["amount"])
        if amount > intent["amount_received"] - intent["refunded"]:
            code = "charge_already_refunded"
            raise Refused(400, type="invalid_request_error", code=code, message="Charge has already been refunded.")
        intent["refunded"] += amount
        made = {"id": f"re_{next(self._numbers)}", "object": "refund", "amount": amount, "status": "succeeded"}
        self.refunds[made["id"]] = made
        return made


def signed(body: str, *, at: int | None = None, secret: str = WEBHOOK_SECRET) -> Hook:
    """The webhook with this body; the signature is made by Stripe's own code."""
    header = stripe.WebhookSignature.generate_signature_header(body, secret, at)
    return Hook(body.encode(), {"Stripe-Signature": header, "Content-Type": "application/json; charset=utf-8"})


def _told(intent: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in intent.items() if name != "refunded"}


def _charge(intent: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"ch_{intent['id']}", "object": "charge", "amount": intent["amount"], "currency": intent["currency"],
        "amount_refunded": intent["refunded"], "payment_intent": intent["id"], "metadata": intent["metadata"],
        "billing_details": {"name": "Ana", "email": "ana@example.com"},
    }  # fmt: skip


def _method(saved: dict[str, Any]) -> dict[str, Any]:
    card = {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2034}
    return {"id": saved["id"], "object": "payment_method", "type": "card", "customer": saved["customer"], "card": card}


def _of(things: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    if name not in things:
        raise Refused(404, type="invalid_request_error", code="resource_missing", message=f"No such thing: '{name}'")
    return things[name]


def _nested(fields: dict[str, str], name: str) -> dict[str, str]:
    return {key[len(name) + 1 : -1]: value for key, value in fields.items() if key.startswith(f"{name}[")}


def _error(status: int, **error: Any) -> Answer:
    return Answer(status, {"error": error})


class _Server(ThreadingHTTPServer):
    daemon_threads = True


def _handler(standin: Stripe) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._meet("GET", dict(parse_qsl(urlsplit(self.path).query)))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._meet("POST", dict(parse_qsl(body.decode(), keep_blank_values=True)))

        def _meet(self, method: str, fields: dict[str, str]) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = standin.meet(method, urlsplit(self.path).path, headers, fields)
            if answer is None:
                self.close_connection = True
                return
            content = json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", "Request-Id": "req_1", **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """A test's output is not for access lines."""

    return Handler
