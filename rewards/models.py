"""The tables of rewards. Value is never here: budgets and gift cards are accounts of the ledger."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from core.events.log import Xid8

SCHEMA = "rewards"


class Product(Base):
    __tablename__ = "product"
    __table_args__ = {"schema": SCHEMA}

    sku: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    department: Mapped[str | None] = mapped_column(Text)
    category: Mapped[str] = mapped_column(Text)
    brand: Mapped[str | None] = mapped_column(Text)
    size: Mapped[str | None] = mapped_column(Text)


class Audience(Base):
    """Named customers; many campaigns may share one."""

    __tablename__ = "audience"
    __table_args__ = {"schema": SCHEMA}

    id: Mapped[UUID] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]


class AudienceMember(Base):
    __tablename__ = "audience_member"
    __table_args__ = (Index(None, "customer_id", "audience_id"), {"schema": SCHEMA})

    audience_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.audience.id"), primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(primary_key=True)


class Catalogue(Base):
    """One row: how many changes of campaigns were committed, and the id of the transaction that made the last."""

    __tablename__ = "catalogue"
    __table_args__ = (CheckConstraint("is_only", name="is_only"), {"schema": SCHEMA})

    is_only: Mapped[bool] = mapped_column(primary_key=True, server_default="true")
    version: Mapped[int] = mapped_column(BigInteger)
    changed_by: Mapped[str | None] = mapped_column(Xid8)


class Campaign(Base):
    """What is given, to whom, how often and between when. `discounts.Discount` says what `discount` holds.

    revision           counts its changes; catalogue_version: the catalogue's when it last changed
    holdout_bps        of the customers, drawn by holdout_salt (None: the campaign's id), who are never given it
    rule, schedule     JSON as in `rewards.rules` and `campaigns.schedules`; limits: [{scope, measure, period, most}]
    category           of the coupons of one category a basket takes one; is_exclusive: it takes no other with it
    uses_per_code      of a code that belongs to nobody; None for no limit
    is_transferable    its coupons may be given to friends; gift cards always may
    approved_minor     up to what a second person has approved of funded_minor
    """

    __tablename__ = "campaign"
    __table_args__ = (
        CheckConstraint("kind IN ('coupon', 'gift_card')", name="kind"),
        CheckConstraint("min_spend_minor >= 0", name="min_spend"),
        CheckConstraint("limit_total > 0", name="limit_total"),
        CheckConstraint("limit_per_customer > 0", name="limit_per_customer"),
        CheckConstraint("voucher_days > 0", name="voucher_days"),
        CheckConstraint("state IN ('draft', 'running', 'paused', 'ended')", name="state"),
        CheckConstraint("starts_at < ends_at", name="window"),
        CheckConstraint("holdout_bps BETWEEN 0 AND 10000", name="holdout"),
        CheckConstraint("uses_per_code > 0", name="uses_per_code"),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    discount: Mapped[dict[str, Any]]
    currency: Mapped[str] = mapped_column(Text)
    is_scoped: Mapped[bool]
    min_spend_minor: Mapped[int] = mapped_column(BigInteger)
    limit_total: Mapped[int | None]
    limit_per_customer: Mapped[int | None]
    audience_id: Mapped[UUID | None] = mapped_column(ForeignKey("rewards.audience.id"))
    voucher_days: Mapped[int | None]
    state: Mapped[str] = mapped_column(Text)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(server_default="1")
    catalogue_version: Mapped[int] = mapped_column(BigInteger, server_default="0", index=True)
    holdout_bps: Mapped[int] = mapped_column(server_default="0")
    holdout_salt: Mapped[UUID | None]
    rule: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    schedule: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    limits: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    category: Mapped[str | None] = mapped_column(Text)
    is_exclusive: Mapped[bool] = mapped_column(server_default="false")
    priority: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    uses_per_code: Mapped[int | None] = mapped_column(server_default="1")
    is_transferable: Mapped[bool] = mapped_column(server_default="false")
    funded_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    approved_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    copied_from: Mapped[UUID | None] = mapped_column(ForeignKey("rewards.campaign.id"))


class CampaignSku(Base):
    """A product that a scoped campaign covers."""

    __tablename__ = "campaign_sku"
    __table_args__ = {"schema": SCHEMA}

    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.campaign.id"), primary_key=True)
    sku: Mapped[str] = mapped_column(Text, primary_key=True)


class Counter(Base):
    """How much of a limit was used. The CHECK stands behind the code: no race passes it.

    scope    'total', 'customer:<id>' or 'store:<id>'; measure: 'uses' or 'amount'; bucket: the period, '' for ever
    """

    __tablename__ = "counter"
    __table_args__ = (
        CheckConstraint("used >= 0", name="used"),
        CheckConstraint("used <= cap", name="cap"),
        CheckConstraint("measure IN ('uses', 'amount')", name="measure"),
        {"schema": SCHEMA},
    )

    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.campaign.id"), primary_key=True)
    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    measure: Mapped[str] = mapped_column(Text, primary_key=True, server_default="uses")
    bucket: Mapped[str] = mapped_column(Text, primary_key=True, server_default="")
    used: Mapped[int] = mapped_column(BigInteger)
    cap: Mapped[int] = mapped_column(BigInteger)


class VoucherRow(Base):
    """A coupon or a gift card; its code only as a blind index, its last four characters, and sealed.

    is_generic   anyone may show it, many at once; without it and a customer it is a bearer's until it is claimed
    state        inactive: it cannot be used just now, as while it is on its way to a friend
    """

    __tablename__ = "voucher"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'used_up', 'blocked', 'inactive')", name="state"),
        CheckConstraint("used >= 0", name="used"),
        Index(None, "customer_id", "id", postgresql_where=text("customer_id IS NOT NULL")),
        Index(None, "campaign_id", postgresql_where=text("batch_id IS NULL")),
        Index(None, "batch_id", "id", postgresql_where=text("batch_id IS NOT NULL")),
        Index("ix_voucher_generic", "campaign_id", postgresql_where=text("is_generic AND state = 'active'")),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.campaign.id"))
    customer_id: Mapped[UUID | None]
    code_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    code_ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    last4: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    used: Mapped[int]
    source: Mapped[str | None] = mapped_column(Text, unique=True)
    expires_at: Mapped[datetime | None]
    issued_at: Mapped[datetime]
    is_generic: Mapped[bool] = mapped_column(server_default="false")
    batch_id: Mapped[UUID | None]


class CheckoutRow(Base):
    """A basket that was paid: by coupons (discount_minor), gift cards, the wallet (paid_minor), and to the till itself.

    lines     [[sku, category, quantity, unit, amount_minor, coupon_minor, tax_minor, discount_minor], ...]
    left_out  [[place, code], ...] of the vouchers that were shown; None where all were used
    """

    __tablename__ = "checkout"
    __table_args__ = (
        UniqueConstraint("terminal_id", "till_reference"),
        CheckConstraint(
            "total_minor = discount_minor + gift_minor + paid_minor + at_till_minor "
            "AND discount_minor >= 0 AND gift_minor >= 0 AND paid_minor >= 0 AND at_till_minor >= 0",
            name="parts",
        ),
        CheckConstraint("back_minor BETWEEN 0 AND total_minor", name="back"),
        Index(None, "store_id", "completed_at"),
        Index(None, "customer_id", "completed_at"),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    merchant_id: Mapped[UUID]
    store_id: Mapped[UUID]
    terminal_id: Mapped[UUID]
    till_reference: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    total_minor: Mapped[int] = mapped_column(BigInteger)
    discount_minor: Mapped[int] = mapped_column(BigInteger)
    gift_minor: Mapped[int] = mapped_column(BigInteger)
    paid_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    transfer_id: Mapped[UUID | None]
    completed_at: Mapped[datetime]
    lines: Mapped[list[list[Any]]] = mapped_column(JSONB, server_default="[]")
    at_till_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    back_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    left_out: Mapped[list[list[Any]] | None] = mapped_column(JSONB(none_as_null=True))


class RedemptionRow(Base):
    """One use of a voucher: what it took off, and by which transfer (none where it took nothing).

    lines    what it took off each line: [[position, amount_minor], ...]
    counted  what it took from counters: [[scope, measure, bucket, amount], ...]

    Its voucher and campaign are no foreign keys: many tills at once would lock a generic code's rows for each of them.
    """

    __tablename__ = "redemption"
    __table_args__ = (
        CheckConstraint("amount_minor >= 0", name="amount"),
        CheckConstraint("state IN ('succeeded', 'partially_rolled_back', 'rolled_back')", name="state"),
        CheckConstraint("back_minor BETWEEN 0 AND amount_minor", name="back"),
        Index(
            "uq_redemption_terminal_id_request_key",
            "terminal_id",
            "request_key",
            unique=True,
            postgresql_where=text("request_key IS NOT NULL"),
        ),
        Index(None, "store_id", "redeemed_at"),
        Index(
            "uq_redemption_terminal_id_till_reference",
            "terminal_id",
            "till_reference",
            unique=True,
            postgresql_where=text("checkout_id IS NULL"),
        ),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    voucher_id: Mapped[UUID] = mapped_column(index=True)
    campaign_id: Mapped[UUID] = mapped_column(index=True)
    customer_id: Mapped[UUID | None]
    merchant_id: Mapped[UUID]
    store_id: Mapped[UUID]
    terminal_id: Mapped[UUID]
    till_reference: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    transfer_id: Mapped[UUID | None]
    checkout_id: Mapped[UUID | None] = mapped_column(ForeignKey("rewards.checkout.id"), index=True)
    state: Mapped[str] = mapped_column(Text)
    redeemed_at: Mapped[datetime]
    fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary)
    request_key: Mapped[str | None] = mapped_column(Text)
    lines: Mapped[list[list[int]]] = mapped_column(JSONB, server_default="[]")
    counted: Mapped[list[list[Any]]] = mapped_column(JSONB, server_default="[]")
    back_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rolled_back_at: Mapped[datetime | None]
