"""The tables of merchants' terms, settlements and payouts, all of them written once."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from auth.models import Merchant
from core.db import Base
from wallet.models import TransferRow

_SCHEMA: dict[str, Any] = {"schema": "wallet"}


class MerchantTerms(Base):
    """What a merchant pays for each payment from `effective_at` on.

    units  fee_bps: basis points of a payment without its tip; fee_fixed_minor: on top, for each payment
    """

    __tablename__ = "merchant_terms"
    __table_args__ = (
        UniqueConstraint("merchant_id", "currency", "effective_at"),
        CheckConstraint("fee_bps BETWEEN 0 AND 10000", name="fee_bps"),
        CheckConstraint("fee_fixed_minor >= 0", name="fee_fixed"),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey(Merchant.id))
    currency: Mapped[str]
    fee_bps: Mapped[int]
    fee_fixed_minor: Mapped[int] = mapped_column(BigInteger)
    effective_at: Mapped[datetime]
    set_by: Mapped[str]
    reason: Mapped[str]


class MerchantBankAccount(Base):
    """Where a merchant is paid, sealed under the merchant's own data key; the latest row that was agreed to holds."""

    __tablename__ = "merchant_bank_account"
    __table_args__ = (Index(None, "merchant_id", "currency", "id"), UniqueConstraint("approval_id"), _SCHEMA)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey(Merchant.id))
    currency: Mapped[str]
    details: Mapped[bytes] = mapped_column(LargeBinary)
    set_by: Mapped[str]
    set_at: Mapped[datetime]
    approval_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.approval.id"))


class Settlement(Base):
    """What a merchant was owed for a period, closed. `since` is the `until` of the one before it."""

    __tablename__ = "settlement"
    __table_args__ = (
        UniqueConstraint("account_id", "sequence"),
        CheckConstraint("refunds_minor >= 0", name="refunds"),
        CheckConstraint("fees_minor >= 0", name="fees"),
        CheckConstraint("carried_in_minor <= 0", name="carried_in"),
        CheckConstraint(
            "net_minor = carried_in_minor + gross_minor + tips_minor - refunds_minor + adjustments_minor - fees_minor",
            name="net",
        ),
        CheckConstraint("payout_minor = greatest(net_minor, 0)", name="payout"),
        CheckConstraint("(transfer_id IS NULL) = (fees_minor = 0 AND payout_minor = 0)", name="posted"),
        Index(None, "merchant_id", "id"),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey(Merchant.id))
    account_id: Mapped[UUID]
    currency: Mapped[str]
    sequence: Mapped[int]
    since: Mapped[datetime | None]
    until: Mapped[datetime]
    first_transfer_id: Mapped[UUID]
    last_transfer_id: Mapped[UUID]
    payment_count: Mapped[int]
    refund_count: Mapped[int]
    gross_minor: Mapped[int] = mapped_column(BigInteger)
    tips_minor: Mapped[int] = mapped_column(BigInteger)
    refunds_minor: Mapped[int] = mapped_column(BigInteger)
    adjustments_minor: Mapped[int] = mapped_column(BigInteger)
    fees_minor: Mapped[int] = mapped_column(BigInteger)
    carried_in_minor: Mapped[int] = mapped_column(BigInteger)
    net_minor: Mapped[int] = mapped_column(BigInteger)
    payout_minor: Mapped[int] = mapped_column(BigInteger)
    transfer_id: Mapped[UUID | None] = mapped_column(ForeignKey(TransferRow.id))
    closed_by: Mapped[str]
    closed_at: Mapped[datetime]


class SettlementCut(Base):
    """The span of a shard's versions that a settlement took: past `after_version` (None: from the first) on."""

    __tablename__ = "settlement_cut"
    __table_args__ = (
        UniqueConstraint("account_id", "shard", "to_version"),
        UniqueConstraint("account_id", "shard", "after_version", postgresql_nulls_not_distinct=True),
        ForeignKeyConstraint(
            ["account_id", "shard", "after_version"],
            [
                "wallet.settlement_cut.account_id",
                "wallet.settlement_cut.shard",
                "wallet.settlement_cut.to_version",
            ],
        ),
        CheckConstraint("to_version > coalesce(after_version, 0)", name="span"),
        _SCHEMA,
    )

    settlement_id: Mapped[UUID] = mapped_column(ForeignKey("wallet.settlement.id"), primary_key=True)
    account_id: Mapped[UUID]
    shard: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    after_version: Mapped[int | None] = mapped_column(BigInteger)
    to_version: Mapped[int] = mapped_column(BigInteger)


class SettlementFunding(Base):
    """Who paid what of a settlement's payments, and got what of its refunds. funder: a campaign's owner, or empty."""

    __tablename__ = "settlement_funding"
    __table_args__ = _SCHEMA

    settlement_id: Mapped[UUID] = mapped_column(ForeignKey("wallet.settlement.id"), primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    funder: Mapped[str] = mapped_column(primary_key=True)
    paid_minor: Mapped[int] = mapped_column(BigInteger)
    refunded_minor: Mapped[int] = mapped_column(BigInteger)


class PayoutFile(Base):
    """Payouts that are given to the bank together; the file itself is written anew from them when it is asked for."""

    __tablename__ = "payout_file"
    __table_args__ = (CheckConstraint("payout_count > 0", name="payout_count"), _SCHEMA)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    currency: Mapped[str]
    payout_count: Mapped[int]
    control_sum_minor: Mapped[int] = mapped_column(BigInteger)
    made_by: Mapped[str]
    made_at: Mapped[datetime]


class Payout(Base):
    """A settlement's payout, in exactly one file, to the bank account that held when the file was made."""

    __tablename__ = "payout"
    __table_args__ = (Index(None, "file_id"), CheckConstraint("amount_minor > 0", name="amount"), _SCHEMA)

    settlement_id: Mapped[UUID] = mapped_column(ForeignKey("wallet.settlement.id"), primary_key=True)
    file_id: Mapped[UUID] = mapped_column(ForeignKey("wallet.payout_file.id"))
    bank_account_id: Mapped[UUID] = mapped_column(ForeignKey("wallet.merchant_bank_account.id"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)


class CustomerPayout(Base):
    """Cash of a wallet that was closed, on its way to the customer's bank account, which is sealed under their key.

    transfer_id  by which it left the wallet
    approval_id  the second person's word on the bank account; a file has none without it
    """

    __tablename__ = "customer_payout"
    __table_args__ = (
        UniqueConstraint("transfer_id"),
        UniqueConstraint("approval_id"),
        CheckConstraint("amount_minor > 0", name="amount"),
        Index("ix_customer_payout_waiting", "currency", "id", postgresql_where=text("file_id IS NULL")),
        Index(None, "file_id"),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    currency: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    transfer_id: Mapped[UUID] = mapped_column(ForeignKey(TransferRow.id))
    details: Mapped[bytes] = mapped_column(LargeBinary)
    approval_id: Mapped[UUID] = mapped_column(ForeignKey("auth.approval.id"))
    set_by: Mapped[str]
    set_at: Mapped[datetime]
    file_id: Mapped[UUID | None] = mapped_column(ForeignKey("wallet.payout_file.id"))
