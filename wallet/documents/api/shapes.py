"""The answers of the explained wallet, shaped for their schemas; documents with what lets an app keep them."""

import hashlib
from collections.abc import Callable
from typing import Any

from flask import Response, current_app, request
from sqlalchemy.orm import Session

from wallet import statements
from wallet.api import shapes
from wallet.documents import letterhead, wording
from wallet.documents.letterhead import Letterhead
from wallet.documents.wording import Wording
from wallet.months import Month
from wallet.receipts import Part, Receipt
from wallet.statements import Search


def entries(session: Session, owner: str, args: dict[str, Any]) -> dict[str, Any]:
    """One page of what was looked for."""
    search = Search(
        kind=args["kind"],
        purpose=args["purpose"],
        asset=args["currency"],
        since=args["since"],
        until=args["until"],
        merchant_id=args["merchant_id"],
        least=args["min_amount_minor"],
        most=args["max_amount_minor"],
        text=args["text"],
        recorded_by=args.get("as_recorded_at"),
    )
    before = shapes.entry_before(args["cursor"])
    lines = statements.entries(session, owner=owner, search=search, before=before, limit=args["limit"] + 1)
    return shapes.page_of_entries(lines, args["limit"])


def month(each: Month, current: Month) -> dict[str, Any]:
    return {"month": each.name, "is_complete": each != current}


def receipt(kept: Receipt) -> dict[str, Any]:
    def money(amount_minor: int) -> dict[str, Any]:
        return {"amount_minor": amount_minor, "currency": kept.currency}

    return {
        "id": kept.payment_id,
        "merchant_id": kept.merchant_id,
        "merchant_name": kept.merchant_name,
        "store_id": kept.store_id,
        "store_name": kept.store_name,
        "amount": money(kept.amount),
        "tip": money(kept.tip),
        "parts": [_part(part) for part in kept.parts],
        "refunded": money(kept.refunded),
        "refunds": [
            {"id": each.id, "amount": money(each.amount), "reference": each.reference, "refunded_at": each.refunded_at}
            for each in kept.refunds
        ],
        "reference": kept.reference,
        "approval_id": kept.approval_id,
        "paid_at": kept.paid_at,
    }


def words() -> Wording:
    """In the reader's language, in the brand's time zone."""
    language = request.accept_languages.best_match(wording.LOCALES)
    return wording.of(language, current_app.extensions["settings"].time_zone)


def house() -> Letterhead:
    return letterhead.of(current_app.extensions["settings"])


def document(
    draw: Callable[[], bytes], *, content_type: str, name: str, of: object, written: Wording, by: Letterhead
) -> Response:
    """What `draw` makes, unless the caller has it already: it is drawn anew only when what it is `of` has changed.

    The tag is a weak one: the same month until now is the same statement a minute later, though not in each byte.
    """
    basis = repr((name, of, str(written.locale), written.zone.key, by))
    tag = hashlib.sha256(basis.encode()).hexdigest()[:32]
    response = Response(content_type=content_type)
    response.set_etag(tag, weak=True)
    response.vary.add("Accept-Language")
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Disposition"] = f'inline; filename="{name}"'
    # An SVG that is opened by itself is a page, which shall load and run nothing.
    response.headers["Content-Security-Policy"] = "default-src 'none'"
    if request.if_none_match.contains_weak(tag):
        response.status_code = 304
        return response
    response.set_data(draw())
    return response


def _part(part: Part) -> dict[str, Any]:
    named = {"voucher_id": part.voucher_id, "points": part.points, "points_refunded": part.points_refunded}
    told = {name: value for name, value in named.items() if value is not None}
    return {"kind": part.kind, "amount_minor": part.amount, "refunded_minor": part.refunded, **told}
