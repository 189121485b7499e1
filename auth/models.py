"""The tables of people. Phone, e-mail, name and push token are sealed, with a blind index to find them."""

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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from auth.places.models import Merchant, Organisation, Store, Terminal
from auth.statuses import ACTIVE, ERASED, ERASING, REVOKED, SUSPENDED
from core.db import Base

__all__ = [
    "ACTIVE", "ERASED", "ERASING", "REVOKED", "SUSPENDED", "Approval", "Customer", "CustomerCode", "Device",
    "EmailProof", "LimitCounter", "Merchant", "Organisation", "Staff", "Store", "Terminal",
]  # fmt: skip

_SCHEMA: dict[str, Any] = {"schema": "auth"}


class Customer(Base):
    """phone_index and phone are NULL once the customer is erased, and so is what stands of e-mail and birthday.

    email           one that is not verified is only what somebody typed, and more than one may have typed it
    birthday_index  of month and day alone
    """

    __tablename__ = "customer"
    __table_args__ = (
        UniqueConstraint("phone_index"),
        CheckConstraint("status IN ('active', 'suspended', 'erasing', 'erased')", name="status"),
        CheckConstraint(
            "(email IS NULL) = (email_index IS NULL) AND (email_verified_at IS NULL OR email IS NOT NULL)",
            name="email",
        ),
        CheckConstraint("(birthday IS NULL) = (birthday_index IS NULL)", name="birthday"),
        Index(
            "uq_customer_email_index",
            "email_index",
            unique=True,
            postgresql_where=text("email_verified_at IS NOT NULL"),
        ),
        Index("ix_customer_birthday_index", "birthday_index", postgresql_where=text("birthday_index IS NOT NULL")),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    phone: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    locale: Mapped[str | None] = mapped_column(Text)
    time_zone: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, default=ACTIVE, server_default=ACTIVE)
    created_at: Mapped[datetime]
    email: Mapped[bytes | None] = mapped_column(LargeBinary)
    email_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    email_verified_at: Mapped[datetime | None]
    birthday: Mapped[bytes | None] = mapped_column(LargeBinary)
    birthday_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    birthday_set_at: Mapped[datetime | None]


class Device(Base):
    """One installation of an app, as its customer's. A push token stands at the last device that brought it."""

    __tablename__ = "device"
    __table_args__ = (
        UniqueConstraint("customer_id", "device_id"),
        UniqueConstraint("push_token_index"),
        CheckConstraint("platform IN ('ios', 'android')", name="platform"),
        CheckConstraint("(push_token IS NULL) = (push_token_index IS NULL)", name="push_token"),
        Index("ix_device_seen_at", "seen_at", postgresql_where=text("push_token IS NOT NULL")),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("auth.customer.id"))
    device_id: Mapped[str] = mapped_column(Text)
    platform: Mapped[str] = mapped_column(Text)
    push_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    push_token_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    app_version: Mapped[str | None] = mapped_column(Text)
    locale: Mapped[str | None] = mapped_column(Text)
    subject_id: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class CustomerCode(Base):
    """What the rotating code of a customer is made from. Steps up to `burnt_step` are spent."""

    __tablename__ = "customer_code"
    __table_args__ = (UniqueConstraint("reference"), _SCHEMA)

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("auth.customer.id"), primary_key=True)
    reference: Mapped[str] = mapped_column(Text)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    burnt_step: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")


class Staff(Base):
    """A person of the brand's, with what they may do.

    permissions   what they may do beside what their roles give
    joined_at     when they made the first means to sign in
    wrong_proofs  since `wrong_since`; the fifth locks until `locked_until`
    """

    __tablename__ = "staff"
    __table_args__ = (
        UniqueConstraint("email_index"),
        CheckConstraint("status IN ('invited', 'active', 'suspended', 'left')", name="status"),
        CheckConstraint("wrong_proofs BETWEEN 0 AND 5", name="wrong_proofs"),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[bytes] = mapped_column(LargeBinary)
    email_index: Mapped[bytes] = mapped_column(LargeBinary)
    name: Mapped[bytes] = mapped_column(LargeBinary)
    permissions: Mapped[list[str]] = mapped_column(ARRAY(Text))
    status: Mapped[str] = mapped_column(Text, default=ACTIVE, server_default=ACTIVE)
    created_at: Mapped[datetime]
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    joined_at: Mapped[datetime | None]
    wrong_proofs: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")
    wrong_since: Mapped[datetime | None]
    locked_until: Mapped[datetime | None]


class Approval(Base):
    """What one person asks and a second one decides.

    subject      what is asked, in words and figures that are shown; no personal data
    fingerprint  of what exactly is approved, so that nothing else is carried out under it
    note         why it is asked, and `reason` why it was decided so; sealed
    expires_at   from then on it can neither be decided nor used
    used_at      when it was carried out, and `outcome` what came of it
    """

    __tablename__ = "approval"
    __table_args__ = (
        CheckConstraint("status IN ('waiting', 'approved', 'refused', 'withdrawn')", name="status"),
        CheckConstraint("decided_by <> asked_by", name="second_person"),
        CheckConstraint(
            "(status IN ('approved', 'refused')) = (decided_by IS NOT NULL)"
            " AND (decided_by IS NULL) = (decided_at IS NULL)",
            name="decided",
        ),
        CheckConstraint("used_at IS NULL OR status = 'approved'", name="used"),
        Index(None, "kind", "id"),
        Index(None, "customer_id"),
        Index("ix_approval_waiting", "id", postgresql_where=text("status = 'waiting'")),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[dict[str, Any]]
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.customer.id"))
    note: Mapped[bytes | None] = mapped_column(LargeBinary)
    status: Mapped[str] = mapped_column(Text, default="waiting", server_default="waiting")
    asked_by: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime | None]
    reason: Mapped[bytes | None] = mapped_column(LargeBinary)
    used_at: Mapped[datetime | None]
    outcome: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))


class EmailProof(Base):
    """An e-mail address that a customer says is theirs, until they send the code that was written to it.

    email  sealed under the customer's data key
    code   HMAC of the one-time code, bound to customer and address
    """

    __tablename__ = "email_proof"
    __table_args__ = (Index(None, "expires_at"), CheckConstraint("attempts BETWEEN 0 AND 5", name="attempts"), _SCHEMA)

    customer_id: Mapped[UUID] = mapped_column(ForeignKey("auth.customer.id"), primary_key=True)
    email: Mapped[bytes] = mapped_column(LargeBinary)
    code: Mapped[bytes] = mapped_column(LargeBinary)
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    expires_at: Mapped[datetime]


class LimitCounter(Base):
    """How often something was asked for in one window of time, by HMAC of who asked (a number, an address)."""

    __tablename__ = "limit_counter"
    __table_args__ = (Index(None, "ends_at"), _SCHEMA)

    subject: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    ends_at: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int]
