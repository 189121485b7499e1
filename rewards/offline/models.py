"""The tables of offline tokens."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from rewards.models import SCHEMA


class OfflineKey(Base):
    """The public key (PEM) of the one phone by which a customer shows tokens; fingerprint: SHA-256 of its DER."""

    __tablename__ = "offline_key"
    __table_args__ = {"schema": SCHEMA}

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    public_key: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    registered_at: Mapped[datetime]


class OfflineToken(Base):
    """A token that was given; its text is these claims, signed."""

    __tablename__ = "offline_token"
    __table_args__ = (
        CheckConstraint("issued_at < expires_at", name="life"),
        Index(None, "voucher_id", "expires_at"),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    voucher_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.voucher.id"))
    customer_id: Mapped[UUID]
    key_fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    claims: Mapped[dict[str, Any]]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class OfflineAllowance(Base):
    """How much of what a terminal takes offline a day the brand answers for, from set_at on; without a row nothing."""

    __tablename__ = "offline_allowance"
    __table_args__ = (CheckConstraint("most_minor >= 0 AND most_count >= 0", name="most"), {"schema": SCHEMA})

    terminal_id: Mapped[UUID] = mapped_column(ForeignKey("auth.terminal.id"), primary_key=True)
    currency: Mapped[str] = mapped_column(Text, primary_key=True)
    most_minor: Mapped[int] = mapped_column(BigInteger)
    most_count: Mapped[int]
    set_by: Mapped[str] = mapped_column(Text)
    set_at: Mapped[datetime] = mapped_column(primary_key=True)


class OfflineDay(Base):
    """What of a terminal's allowance a day has used, by the store's clock when it took them."""

    __tablename__ = "offline_day"
    __table_args__ = (CheckConstraint("used_minor > 0 AND used_count > 0", name="used"), {"schema": SCHEMA})

    terminal_id: Mapped[UUID] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    used_minor: Mapped[int] = mapped_column(BigInteger)
    used_count: Mapped[int]


class OfflineRedemptionRow(Base):
    """A record that a till has synced, and what it came to.

    scanned         what the phone showed: the evidence
    token_id, …     only where the token was one of ours
    amount_minor    what the till gave: redeemed_minor of it by the voucher, lost_minor by the brand
    code, cause     why it is a conflict, and for one beyond the allowance what was wrong at all
    allowed_on      the day in whose allowance it was; None for one beyond it, or that was not looked at so far
    """

    __tablename__ = "offline_redemption"
    __table_args__ = (
        UniqueConstraint("terminal_id", "till_reference"),
        CheckConstraint("state IN ('succeeded', 'conflict', 'reversed')", name="state"),
        CheckConstraint(
            "redeemed_minor >= 0 AND lost_minor >= 0 AND redeemed_minor + lost_minor <= amount_minor", name="amounts"
        ),
        CheckConstraint(
            "(redemption_id IS NULL) = (redeemed_minor = 0) AND (loss_id IS NULL) = (lost_minor = 0)", name="paid"
        ),
        CheckConstraint("state <> 'succeeded' OR (redeemed_minor = amount_minor AND code IS NULL)", name="whole"),
        CheckConstraint("state <> 'conflict' OR (code IS NOT NULL AND borne_by IS NOT NULL)", name="conflict"),
        CheckConstraint("borne_by IN ('brand', 'merchant')", name="borne_by"),
        CheckConstraint("lost_minor = 0 OR (borne_by = 'brand' AND allowed_on IS NOT NULL)", name="brand"),
        Index(
            "uq_offline_redemption_token_id",
            "token_id",
            unique=True,
            postgresql_where=text("redemption_id IS NOT NULL AND state <> 'reversed'"),
        ),
        Index(None, "token_id"),
        Index(None, "terminal_id", "id"),
        Index(None, "customer_id", "id"),
        Index(None, "customer_id", "accepted_at", postgresql_where=text("borne_by = 'brand'")),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID]
    store_id: Mapped[UUID]
    terminal_id: Mapped[UUID]
    till_reference: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    scanned: Mapped[str] = mapped_column(Text)
    lines: Mapped[list[list[Any]]] = mapped_column(JSONB)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    accepted_at: Mapped[datetime]
    synced_at: Mapped[datetime]
    token_id: Mapped[UUID | None]
    voucher_id: Mapped[UUID | None]
    customer_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(Text)
    code: Mapped[str | None] = mapped_column(Text)
    cause: Mapped[str | None] = mapped_column(Text)
    borne_by: Mapped[str | None] = mapped_column(Text)
    allowed_on: Mapped[date | None]
    redeemed_minor: Mapped[int] = mapped_column(BigInteger)
    lost_minor: Mapped[int] = mapped_column(BigInteger)
    redemption_id: Mapped[UUID | None] = mapped_column(ForeignKey("rewards.redemption.id"), index=True)
    loss_id: Mapped[UUID | None]
    reversed_at: Mapped[datetime | None]
