"""The tables of reservations."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from rewards.models import SCHEMA


class ReservationRow(Base):
    """A basket whose vouchers are held for it.

    lines     as a checkout keeps them: what coupons take off each is decided
    left_out  of the vouchers shown, as a checkout keeps it
    hold_id   of the value that budgets and gift cards promise; None where they give nothing
    """

    __tablename__ = "reservation"
    __table_args__ = (
        UniqueConstraint("terminal_id", "till_reference"),
        CheckConstraint("state IN ('open', 'taken', 'released', 'expired', 'reversed')", name="state"),
        CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("(state = 'taken') = (checkout_id IS NOT NULL)", name="taken"),
        CheckConstraint(
            "discount_minor >= 0 AND gift_minor >= 0 AND discount_minor + gift_minor <= total_minor", name="parts"
        ),
        Index("ix_reservation_open", "reserved_until", postgresql_where=sql("state = 'open'")),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID]
    merchant_id: Mapped[UUID]
    store_id: Mapped[UUID]
    terminal_id: Mapped[UUID]
    till_reference: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    visit_id: Mapped[UUID | None]
    total_minor: Mapped[int] = mapped_column(BigInteger)
    discount_minor: Mapped[int] = mapped_column(BigInteger)
    gift_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    lines: Mapped[list[list[Any]]] = mapped_column(JSONB)
    left_out: Mapped[list[list[Any]] | None] = mapped_column(JSONB(none_as_null=True))
    hold_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(Text)
    reserved_at: Mapped[datetime]
    reserved_until: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    checkout_id: Mapped[UUID | None] = mapped_column(ForeignKey("rewards.checkout.id"))


class ReservedUseRow(Base):
    """One voucher's part: the redemption that it becomes when the basket is taken. counted, lines: as a redemption's"""

    __tablename__ = "reserved_use"
    __table_args__ = (
        CheckConstraint("amount_minor >= 0", name="amount"),
        {"schema": SCHEMA},
    )

    reservation_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.reservation.id"), primary_key=True)
    place: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    voucher_id: Mapped[UUID] = mapped_column(index=True)
    campaign_id: Mapped[UUID]
    customer_id: Mapped[UUID | None]
    kind: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    lines: Mapped[list[list[int]]] = mapped_column(JSONB)
    counted: Mapped[list[list[Any]]] = mapped_column(JSONB)
