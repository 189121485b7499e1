"""The tables of rewards. Value is never here: budgets and gift cards are accounts of the ledger."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

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
    __table_args__ = {"schema": SCHEMA}

    audience_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.audience.id"), primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(primary_key=True)


class Campaign(Base):
    """What is given, to whom, how often and between when. `discounts.Discount` says what `discount` holds."""

    __tablename__ = "campaign"
    __table_args__ = (
        CheckConstraint("kind IN ('coupon', 'gift_card')", name="kind"),
        CheckConstraint("min_spend_minor >= 0", name="min_spend"),
        CheckConstraint("limit_total > 0", name="limit_total"),
        CheckConstraint("limit_per_customer > 0", name="limit_per_customer"),
        CheckConstraint("voucher_days > 0", name="voucher_days"),
        CheckConstraint("state IN ('draft', 'running', 'paused', 'ended')", name="state"),
        CheckConstraint("starts_at < ends_at", name="window"),
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


class CampaignSku(Base):
    """A product that a scoped campaign covers."""

    __tablename__ = "campaign_sku"
    __table_args__ = {"schema": SCHEMA}

    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.campaign.id"), primary_key=True)
    sku: Mapped[str] = mapped_column(Text, primary_key=True)


class Counter(Base):
    """How often a limit was used. The CHECK stands behind the code that counts: no race can pass it."""

    __tablename__ = "counter"
    __table_args__ = (
        CheckConstraint("used >= 0", name="used"),
        CheckConstraint("used <= cap", name="cap"),
        {"schema": SCHEMA},
    )

    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.campaign.id"), primary_key=True)
    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    used: Mapped[int]
    cap: Mapped[int]


class VoucherRow(Base):
    """A coupon or a gift card; its code only as a blind index, its last four characters, and sealed."""

    __tablename__ = "voucher"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'used_up')", name="state"),
        CheckConstraint("used >= 0", name="used"),
        Index(None, "customer_id", "id"),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.campaign.id"), index=True)
    customer_id: Mapped[UUID | None]
    code_index: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    code_ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    last4: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    used: Mapped[int]
    source: Mapped[str] = mapped_column(Text, unique=True)
    expires_at: Mapped[datetime | None]
    issued_at: Mapped[datetime]


class CheckoutRow(Base):
    """A basket that was paid; total_minor = discount_minor (coupons) + gift_minor (gift cards) + paid_minor (cash)."""

    __tablename__ = "checkout"
    __table_args__ = (
        UniqueConstraint("terminal_id", "till_reference"),
        CheckConstraint(
            "total_minor = discount_minor + gift_minor + paid_minor "
            "AND discount_minor >= 0 AND gift_minor >= 0 AND paid_minor >= 0",
            name="parts",
        ),
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


class RedemptionRow(Base):
    """One use of a voucher: what it took off, and by which transfer (none where it took nothing)."""

    __tablename__ = "redemption"
    __table_args__ = (
        CheckConstraint("amount_minor >= 0", name="amount"),
        CheckConstraint("state IN ('succeeded', 'rolled_back')", name="state"),
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
    voucher_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.voucher.id"), index=True)
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.campaign.id"), index=True)
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
