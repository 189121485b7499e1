"""The tables of top-ups, and of what becomes of them at the provider later."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from core.work import Due


def _is_due(table: str) -> Index:
    return Index(f"ix_{table}_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL"))


class Topup(Due, Base):
    """Money that a customer brings in: kept before the provider is asked, posted after it said yes.

    way                  "source" is charged by us, "sheet" the customer completes in the app, "automatic" nobody sees
    source               the provider's token for a card or bank account, or the name of a saved method
    payer                the provider's name for the customer, where it knows them
    refunded_minor       taken from the customer again because it went back
    told_refunded_minor  went back, as the provider told last
    claw_due_at          when to bring the two (and disputes) into line
    """

    __tablename__ = "topup"
    __table_args__ = (
        UniqueConstraint("principal", "key"),
        UniqueConstraint("provider_reference"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("state IN ('pending', 'requires_action', 'succeeded', 'failed', 'in_doubt')", name="state"),
        CheckConstraint("way IN ('source', 'sheet', 'automatic')", name="way"),
        CheckConstraint("(way = 'sheet') = (source IS NULL)", name="source"),
        CheckConstraint("refunded_minor BETWEEN 0 AND amount_minor", name="refund_cap"),
        CheckConstraint("told_refunded_minor >= 0", name="told_refunded"),
        _is_due("topup"),
        Index("ix_topup_claw_due_at", "claw_due_at", postgresql_where=text("claw_due_at IS NOT NULL")),
        Index(
            "ix_topup_state_id",
            "state",
            "id",
            postgresql_where=text("state IN ('pending', 'requires_action', 'in_doubt')"),
        ),
        Index("ix_topup_customer_id_id", "customer_id", "id"),
        {"schema": "wallet"},
    )

    principal: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    customer_id: Mapped[UUID]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    way: Mapped[str] = mapped_column(Text, server_default="source")
    source: Mapped[str | None] = mapped_column(Text)
    payer: Mapped[str | None] = mapped_column(Text)
    provider_reference: Mapped[str | None] = mapped_column(Text)
    decline_code: Mapped[str | None] = mapped_column(Text)
    refunded_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    told_refunded_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    claw_due_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Payer(Base):
    """What the provider calls one of our customers."""

    __tablename__ = "payer"
    __table_args__ = (UniqueConstraint("provider", "provider_reference"), {"schema": "wallet"})

    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(Text, primary_key=True)
    provider_reference: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class ProviderNotice(Due, Base):
    """What the provider told unasked, once under its own id. "waiting": for the top-up that it speaks of.

    facts  a `core.gateways.payments.Notice`
    """

    __tablename__ = "provider_notice"
    __table_args__ = (
        UniqueConstraint("provider", "notice_id"),
        CheckConstraint("state IN ('done', 'waiting', 'ignored')", name="state"),
        _is_due("provider_notice"),
        Index(
            "ix_provider_notice_refund_failed",
            text("(facts ->> 'provider_reference')"),
            postgresql_where=text("kind = 'refund_failed'"),
        ),
        {"schema": "wallet"},
    )

    provider: Mapped[str] = mapped_column(Text)
    notice_id: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    facts: Mapped[dict[str, Any]]
    received_at: Mapped[datetime]


class TopupRefund(Due, Base):
    """Money of a top-up that staff give back: taken from the customer first, then given back by the provider.

    Its id is that of the transfer that took it.
    """

    __tablename__ = "topup_refund"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("state IN ('pending', 'succeeded', 'failed', 'in_doubt')", name="state"),
        Index("ix_topup_refund_topup_id", "topup_id"),
        _is_due("topup_refund"),
        {"schema": "wallet"},
    )

    topup_id: Mapped[UUID] = mapped_column(ForeignKey("wallet.topup.id"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    provider_reference: Mapped[str | None] = mapped_column(Text)
    decline_code: Mapped[str | None] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]


class Dispute(Base):
    """A customer's quarrel with their bank over a top-up.

    status        "inquiry" takes no money yet; it only goes forward: inquiry, open, lost, won
    clawed_minor  taken from the customer for it now
    """

    __tablename__ = "dispute"
    __table_args__ = (
        CheckConstraint("status IN ('inquiry', 'open', 'lost', 'won')", name="status"),
        CheckConstraint("amount_minor >= 0", name="amount"),
        CheckConstraint("clawed_minor >= 0", name="clawed"),
        Index("ix_dispute_topup_id", "topup_id"),
        {"schema": "wallet"},
    )

    provider_reference: Mapped[str] = mapped_column(Text, primary_key=True)
    topup_id: Mapped[UUID] = mapped_column(ForeignKey("wallet.topup.id"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    clawed_minor: Mapped[int] = mapped_column(BigInteger, server_default="0", default=0)
    opened_at: Mapped[datetime]


class AutoTopup(Due, Base):
    """A customer's standing wish: bring `amount_minor` in whenever their cash falls below `below_minor`.

    declines  in a row; the third pauses it
    """

    __tablename__ = "auto_topup"
    __table_args__ = (
        UniqueConstraint("customer_id"),
        CheckConstraint("below_minor > 0", name="below"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("declines >= 0", name="declines"),
        CheckConstraint("state IN ('active', 'charging', 'paused')", name="state"),
        _is_due("auto_topup"),
        Index("ix_auto_topup_leased", "lease_until", postgresql_where=text("lease_token IS NOT NULL")),
        {"schema": "wallet"},
    )

    customer_id: Mapped[UUID]
    currency: Mapped[str] = mapped_column(Text)
    below_minor: Mapped[int] = mapped_column(BigInteger)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    payment_method: Mapped[str] = mapped_column(Text)
    declines: Mapped[int] = mapped_column(server_default="0", default=0)
    changed_at: Mapped[datetime]
