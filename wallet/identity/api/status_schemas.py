"""Freezing and closing wallets on the wire."""

from typing import Any

from marshmallow import Schema, fields, validate

from core.web.schemas import MoneySchema
from wallet.finance.api.settlement_schemas import BankAccountOfSchema
from wallet.finance.bank_accounts import BankAccount
from wallet.identity.api.schemas import REASON
from wallet.identity.closures import Closure
from wallet.identity.statuses import STATUSES


def _pay_out_to() -> fields.Nested:
    return fields.Nested(
        BankAccountOfSchema(),
        load_default=None,
        allow_none=True,
        metadata={
            "description": "The customer's bank account: the cash is paid out there, once a second person agrees, and "
            "promotional value and points lapse."
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
    pay_out_to = _pay_out_to()
    forfeit = _forfeit()


class PaidOutSchema(MoneySchema):
    """`number_ends`: the last of the bank account's number. It is paid once the brand's staff have agreed."""

    payout_id = fields.UUID(required=True)
    number_ends = fields.String(required=True, metadata={"example": "3000"})


class ClosureSchema(Schema):
    """What left the wallet as it was closed, and where what was paid out goes."""

    status = fields.String(required=True, metadata={"example": "closed"})
    paid_out = fields.List(fields.Nested(PaidOutSchema()), required=True)
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

    paid_out = fields.List(fields.Nested(PaidOutSchema()), required=True)
    lapsed = fields.List(fields.Nested(MoneySchema()), required=True)


def bank_account(given: dict[str, Any] | None) -> BankAccount | None:
    return BankAccount(**given) if given is not None else None


def shape(closure: Closure, **more: Any) -> dict[str, Any]:
    return {**more, "paid_out": closure.paid_out, "lapsed": closure.lapsed}
