"""What comes in and goes out where people pay, between the wire's shapes and ours."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core.errors import Forbidden
from core.web import principals
from wallet.errors import SandboxMixed
from wallet.holds.models import Hold
from wallet.paying import codes, requests, till_holds
from wallet.paying.codes import Seen
from wallet.paying.models import PaymentRequest
from wallet.paying.splits import Source
from wallet.paying.tills import Till
from wallet.transfers import Posted


def till(currency: str | None = None) -> Till:
    """The terminal that is asking, about this money if it asks about any.

    raises  Forbidden for whoever stands in no store; SandboxMixed
    """
    principal = principals.current()
    if principal.kind != "terminal" or principal.merchant_id is None or principal.store_id is None:
        raise Forbidden("Only a terminal in a store may do this")
    asking = Till(merchant_id=principal.merchant_id, store_id=principal.store_id, terminal_id=principal.id)
    if currency is not None and not asking.takes(currency):
        raise SandboxMixed
    return asking


def sources(given: Sequence[dict[str, Any]] | None) -> tuple[Source, ...] | None:
    if given is None:
        return None
    return tuple(
        [
            Source(kind=each["kind"], voucher_id=each.get("voucher_id"), most_minor=each.get("amount_minor"))
            for each in given
        ]
    )


def seen(what: Seen) -> dict[str, Any]:
    return {
        "merchant_id": what.merchant_id,
        "merchant_name": what.merchant_name,
        "store_id": what.store_id,
        "store_name": what.store_name,
        "currency": what.currency,
        "amount": None if what.amount_minor is None else _money(what.amount_minor, what.currency),
        "tip_allowed": what.tip_allowed,
        "payment_request_id": what.request and what.request.id,
        "expires_at": what.request and what.request.expires_at,
    }


def request(session: Session, kept: PaymentRequest, *, now: datetime) -> dict[str, Any]:
    state = requests.state_of(kept, now=now)
    return {
        "id": kept.id,
        "state": state,
        "amount": _money(kept.amount_minor, kept.currency),
        "tip": _money(kept.tip_minor, kept.currency),
        "tip_allowed": kept.tip_allowed,
        "till_reference": kept.till_reference,
        "payment_id": kept.payment_id,
        "code": codes.of_request(session, kept) if state == "open" else None,
        "created_at": kept.created_at,
        "expires_at": kept.expires_at,
    }


def hold(kept: Hold, reference: str | None, *, now: datetime) -> dict[str, Any]:
    state = till_holds.state_of(kept, now=now)
    return {
        "id": kept.id,
        "state": state,
        "kind": kept.kind,
        "merchant_id": kept.merchant_id,
        "reference": reference,
        "amount": _money(kept.amount, kept.currency),
        "captured": _money(kept.captured, kept.currency),
        "left": _money(kept.left if state == "open" else 0, kept.currency),
        "expires_at": kept.expires_at,
        "created_at": kept.created_at,
    }


def gift_topup(posted: Posted) -> dict[str, Any]:
    details = posted.details
    return {
        "id": posted.transfer_id,
        "voucher_id": details["voucher_id"],
        "amount": _money(details["amount_minor"], details["currency"]),
        "cash": _money(details["cash_minor"], details["currency"]),
        "topped_up_at": posted.effective_at,
    }


def _money(amount_minor: int, currency: str) -> dict[str, Any]:
    return {"amount_minor": amount_minor, "currency": currency}
