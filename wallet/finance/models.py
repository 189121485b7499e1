"""The tables of provider reports and safeguarding reconciliations, all of them written once."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

_SCHEMA: dict[str, Any] = {"schema": "wallet"}


class ProviderReport(Base):
    """What the payment provider reported of our account with it. It counts once it is complete."""

    __tablename__ = "provider_report"
    __table_args__ = (UniqueConstraint("reference"), UniqueConstraint("sha256"), Index(None, "closed_at"), _SCHEMA)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    closed_at: Mapped[datetime]
    line_count: Mapped[int]
    is_complete: Mapped[bool] = mapped_column(default=False, server_default="false")
    imported_by: Mapped[str]
    imported_at: Mapped[datetime]


class ProviderBalance(Base):
    """What the provider says it held when its report closed."""

    __tablename__ = "provider_balance"
    __table_args__ = _SCHEMA

    report_id: Mapped[UUID] = mapped_column(
        ForeignKey("wallet.provider_report.id", ondelete="CASCADE"), primary_key=True
    )
    currency: Mapped[str] = mapped_column(primary_key=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)


class ProviderLine(Base):
    """One line of a report. amount_minor: what it added to what the provider holds for us."""

    __tablename__ = "provider_line"
    __table_args__ = (
        UniqueConstraint("kind", "reference"),
        CheckConstraint(
            "kind IN ('charge', 'refund', 'dispute', 'dispute_reversal', 'fee', 'payout', 'adjustment')", name="kind"
        ),
        CheckConstraint("amount_minor <> 0", name="amount"),
        _SCHEMA,
    )

    report_id: Mapped[UUID] = mapped_column(
        ForeignKey("wallet.provider_report.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    reference: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]
    occurred_at: Mapped[datetime]


class SafeguardingReport(Base):
    """A reconciliation of a day: what customers were owed beside what the provider held. Another run is another row."""

    __tablename__ = "safeguarding_report"
    __table_args__ = (
        UniqueConstraint("day", "run"),
        CheckConstraint("status IN ('balanced', 'differences', 'no_report')", name="status"),
        CheckConstraint("(status = 'no_report') = (provider_report_id IS NULL)", name="held"),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date)
    run: Mapped[int]
    as_of: Mapped[datetime]
    status: Mapped[str]
    provider_report_id: Mapped[UUID | None] = mapped_column(ForeignKey("wallet.provider_report.id"))
    difference_count: Mapped[int]
    ran_by: Mapped[str]
    ran_at: Mapped[datetime]


class SafeguardingFigure(Base):
    """A reconciliation's figures in one currency. held_minor is None where the provider reported none."""

    __tablename__ = "safeguarding_figure"
    __table_args__ = (CheckConstraint("owed_minor = cash_minor + gift_cards_minor", name="owed"), _SCHEMA)

    report_id: Mapped[UUID] = mapped_column(ForeignKey("wallet.safeguarding_report.id"), primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    cash_minor: Mapped[int] = mapped_column(BigInteger)
    gift_cards_minor: Mapped[int] = mapped_column(BigInteger)
    owed_minor: Mapped[int] = mapped_column(BigInteger)
    promotional_minor: Mapped[int] = mapped_column(BigInteger)
    debts_minor: Mapped[int] = mapped_column(BigInteger)
    merchants_minor: Mapped[int] = mapped_column(BigInteger)
    booked_minor: Mapped[int] = mapped_column(BigInteger)
    held_minor: Mapped[int | None] = mapped_column(BigInteger)


class SafeguardingDifference(Base):
    """One thing in which our books and the provider's report differ; timing: it explains itself by when it happened."""

    __tablename__ = "safeguarding_difference"
    __table_args__ = (
        CheckConstraint("kind IN ('ours_only', 'theirs_only', 'amount', 'closing_balance')", name="kind"),
        ForeignKeyConstraint(
            ["line_report_id", "line_number"], ["wallet.provider_line.report_id", "wallet.provider_line.number"]
        ),
        _SCHEMA,
    )

    report_id: Mapped[UUID] = mapped_column(ForeignKey("wallet.safeguarding_report.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    currency: Mapped[str]
    kind: Mapped[str]
    is_timing: Mapped[bool]
    reference: Mapped[str | None]
    transfer_id: Mapped[UUID | None]
    line_report_id: Mapped[UUID | None]
    line_number: Mapped[int | None]
    ours_minor: Mapped[int | None] = mapped_column(BigInteger)
    theirs_minor: Mapped[int | None] = mapped_column(BigInteger)
    occurred_at: Mapped[datetime | None]


class SafeguardingSignOff(Base):
    """Who answered for a reconciliation, and in which words."""

    __tablename__ = "safeguarding_sign_off"
    __table_args__ = _SCHEMA

    report_id: Mapped[UUID] = mapped_column(ForeignKey("wallet.safeguarding_report.id"), primary_key=True)
    signed_by: Mapped[str]
    reason: Mapped[str]
    signed_at: Mapped[datetime]
