"""Freezing and closing wallets on the wire."""

import re
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from core.web.schemas import MoneySchema
from wallet.identity.api.schemas import REASON
from wallet.identity.closures import Closure
from wallet.identity.statuses import STATUSES


def _refuse_account_numbers(text: str) -> None:
    """An IBAN would be personal data, which stands in no ledger (ISO 13616: rearranged, it is 1 modulo 97); so would a
    card's number (ISO/IEC 7812-1: 13 to 19 digits with Luhn's check digit)."""
    number = re.sub(r"[^A-Za-z0-9]", "", text).upper()
    if re.fullmatch("[0-9]{13,19}", number):
        doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(number))]
        if sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0:
            raise ValidationError("Must be the bank's reference of the payout, not a card's number.")
    if re.fullmatch("[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", number):
        digits = "".join(str(int(sign, 36)) for sign in number[4:] + number[:4])
        if int(digits) % 97 == 1:
            raise ValidationError("Must be the bank's reference of the payout, not an account number.")


def _pay_out_to() -> fields.String:
    return fields.String(
        load_default=None,
        allow_none=True,
        validate=[
            validate.Regexp(
                r"[A-Za-z0-9][A-Za-z0-9_.:#/-]{0,63}\Z",
                error="Must be a bank's reference: 1 to 64 letters, digits and any of _ . : # / -",
            ),
            _refuse_account_numbers,
        ],
        metadata={
            "description": "The bank's reference of a payout (no account number): the cash is paid out there, and "
            "promotional value and points lapse.",
            "example": "payout-8841",
        },
    )


def _forfeit() -> fields.Boolean:
    return fields.Boolean(
        load_default=False,
        truthy={True},
        falsy={False},
        metadata={"description": "Promotional value and points lapse, where there is no cash to pay out."},
    )


class OwnStatusSchema(Schema):
    """open; frozen: nothing may leave it; closed: nothing moves any more."""

    status = fields.String(required=True, validate=validate.OneOf(STATUSES))


class ClosureArgsSchema(Schema):
    forfeit = _forfeit()


class ClosureSchema(Schema):
    """What left the wallet as it was closed."""

    status = fields.String(required=True, metadata={"example": "closed"})
    paid_out = fields.List(fields.Nested(MoneySchema()), required=True)
    lapsed = fields.List(fields.Nested(MoneySchema()), required=True)


class WalletStatusArgsSchema(Schema):
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    reason = REASON
    pay_out_to = _pay_out_to()
    forfeit = _forfeit()


class WalletStatusSchema(Schema):
    customer_id = fields.UUID(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))


class WalletStatusChangeSchema(WalletStatusSchema):
    """`paid_out` and `lapsed`: what left the wallet as this request closed it."""

    paid_out = fields.List(fields.Nested(MoneySchema()), required=True)
    lapsed = fields.List(fields.Nested(MoneySchema()), required=True)


def shape(closure: Closure, **more: Any) -> dict[str, Any]:
    return {**more, "paid_out": closure.paid_out, "lapsed": closure.lapsed}
