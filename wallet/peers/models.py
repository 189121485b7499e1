"""What customers send each other and ask each other for. Numbers and notes are sealed under their author's key."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base

CANCELLED = "cancelled"
PENDING, COMPLETED, RETURNED = "pending", "completed", "returned"
OPEN, PAID, DECLINED, LAPSED = "open", "paid", "declined", "lapsed"
SENDING_STATES = (PENDING, COMPLETED, CANCELLED, RETURNED)
REQUEST_STATES = (OPEN, PAID, DECLINED, CANCELLED, LAPSED)


def _among(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def _where_known(table: str, *columns: str) -> Index:
    return Index(f"ix_{table}_{'_'.join(columns)}", *columns, postgresql_where=text(f"{columns[0]} IS NOT NULL"))


class Sending(Base):
    """Money from one customer to another person.

    way          "phone" and "link" may wait for their receiver, as a hold; "request" pays what was asked for
    receiver_id  known as soon as somebody has the number, or has claimed the link
    phone        None for who has it no more: they were erased
    phone_index  only while it waits for somebody to prove the number
    code         HMAC of the link's code
    hold_id      what promises the money while it waits; None for what was given at once
    transfer_id  what gave the money
    due_at       when to try again to give it to a receiver who could not take it
    """

    __tablename__ = "sending"
    __table_args__ = (
        UniqueConstraint("code"),
        UniqueConstraint("money_request_id"),
        UniqueConstraint("hold_id"),
        UniqueConstraint("transfer_id"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint(_among("way", ("phone", "link", "request")), name="way"),
        CheckConstraint("phone IS NULL OR way = 'phone'", name="phone"),
        CheckConstraint("(way = 'link') = (code IS NOT NULL)", name="code"),
        CheckConstraint("(way = 'request') = (money_request_id IS NOT NULL)", name="request"),
        CheckConstraint(_among("state", SENDING_STATES), name="state"),
        CheckConstraint("(state = 'pending') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("(state = 'completed') = (transfer_id IS NOT NULL)", name="moved"),
        CheckConstraint(
            "(hold_id IS NOT NULL OR state = 'completed') AND (hold_id IS NULL) = (expires_at IS NULL)", name="held"
        ),
        CheckConstraint(
            "phone_index IS NULL OR state = 'pending' AND receiver_id IS NULL AND way = 'phone'", name="waiting"
        ),
        CheckConstraint("due_at IS NULL OR state = 'pending' AND receiver_id IS NOT NULL", name="due"),
        CheckConstraint(
            "receiver_id <> sender_id AND (state <> 'completed' OR receiver_id IS NOT NULL)", name="receiver"
        ),
        Index(None, "sender_id", "id"),
        _where_known("sending", "receiver_id", "id"),
        _where_known("sending", "phone_index"),
        _where_known("sending", "due_at"),
        {"schema": "wallet"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sender_id: Mapped[UUID]
    receiver_id: Mapped[UUID | None]
    way: Mapped[str] = mapped_column(Text)
    phone: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    code: Mapped[bytes | None] = mapped_column(LargeBinary)
    money_request_id: Mapped[UUID | None] = mapped_column(ForeignKey("wallet.money_request.id"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    note: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(Text)
    hold_id: Mapped[UUID | None] = mapped_column(ForeignKey("wallet.hold.id"))
    transfer_id: Mapped[UUID | None] = mapped_column(ForeignKey("wallet.transfer.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]


class MoneyRequest(Base):
    """What one customer asks of another person. payer_id: who is asked, once they are known."""

    __tablename__ = "money_request"
    __table_args__ = (
        UniqueConstraint("code"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint(_among("way", ("phone", "link")), name="way"),
        CheckConstraint("phone IS NULL OR way = 'phone'", name="phone"),
        CheckConstraint("(way = 'link') = (code IS NOT NULL)", name="code"),
        CheckConstraint(_among("state", REQUEST_STATES), name="state"),
        CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("phone_index IS NULL OR state = 'open' AND payer_id IS NULL AND way = 'phone'", name="waiting"),
        CheckConstraint("payer_id <> requester_id AND (state <> 'paid' OR payer_id IS NOT NULL)", name="payer"),
        Index(None, "requester_id", "id"),
        _where_known("money_request", "payer_id", "id"),
        _where_known("money_request", "phone_index"),
        Index("ix_money_request_expires_at", "expires_at", postgresql_where=text("state = 'open'")),
        {"schema": "wallet"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    requester_id: Mapped[UUID]
    payer_id: Mapped[UUID | None]
    way: Mapped[str] = mapped_column(Text)
    phone: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    code: Mapped[bytes | None] = mapped_column(LargeBinary)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    note: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(Text, server_default="open")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
