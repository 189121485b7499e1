"""Refusals on the wire."""

from marshmallow import Schema, fields, validate

from core.web.schemas import BalanceMoneySchema, Instant, PageArgs


class RefusalPageArgs(PageArgs):
    code = fields.String(load_default=None, allow_none=True, validate=validate.Length(min=1, max=50))


class VoucherRefusalSchema(Schema):
    """A voucher that a till did not take. `conditions` as in a check; those that nobody looked at are not there, since
    another was not met before. `reason`: the tree of the campaign's rule, if it has one."""

    id = fields.UUID()
    voucher_id = fields.UUID()
    store_id = fields.UUID()
    code = fields.String(metadata={"example": "minimum_spend"})
    total = fields.Nested(BalanceMoneySchema())
    conditions = fields.List(
        fields.Dict(),
        metadata={"example": [{"code": "minimum_spend", "is_met": False, "needed": 2000, "actual": 1200}]},
    )
    reason = fields.Dict(allow_none=True)
    refused_at = Instant()


class StaffVoucherRefusalSchema(VoucherRefusalSchema):
    """`customer_id` and `reason` are null for who may not read customers (customers.read)."""

    campaign_id = fields.UUID()
    customer_id = fields.UUID(allow_none=True)
    merchant_id = fields.UUID()
    terminal_id = fields.UUID()
