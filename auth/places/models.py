"""The tables of places: organisations, merchants, stores and terminals."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from auth.statuses import ACTIVE
from core.db import Base

_SCHEMA: dict[str, Any] = {"schema": "auth"}


def _status_check() -> CheckConstraint:
    return CheckConstraint("status IN ('active', 'suspended')", name="status")


class Organisation(Base):
    """Who several merchants belong to; a merchant may stand alone."""

    __tablename__ = "organisation"
    __table_args__ = (_status_check(), _SCHEMA)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, default=ACTIVE, server_default=ACTIVE)
    created_at: Mapped[datetime]


class Merchant(Base):
    __tablename__ = "merchant"
    __table_args__ = (
        _status_check(),
        Index("ix_merchant_organisation_id", "organisation_id", postgresql_where=text("organisation_id IS NOT NULL")),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.organisation.id"))
    name: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, default=ACTIVE, server_default=ACTIVE)
    created_at: Mapped[datetime]


class Store(Base):
    """`reference` is the merchant's own number for the store."""

    __tablename__ = "store"
    __table_args__ = (UniqueConstraint("merchant_id", "reference"), _status_check(), _SCHEMA)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey("auth.merchant.id"))
    name: Mapped[str] = mapped_column(Text)
    reference: Mapped[str | None] = mapped_column(Text)
    time_zone: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, default=ACTIVE, server_default=ACTIVE)
    created_at: Mapped[datetime]


class Terminal(Base):
    """A till of a store, known by its public key (PEM, Ed25519 or P-256); the fingerprint is SHA-256 of its DER.

    status       revoked: out of use for ever, and so is its key
    enrolled_by  who let it enrol itself; NULL where an operator added it with its key
    seen_on      the last day on which it asked for a token
    """

    __tablename__ = "terminal"
    __table_args__ = (
        UniqueConstraint("key_fingerprint"),
        Index(None, "store_id"),
        CheckConstraint("status IN ('active', 'suspended', 'revoked')", name="status"),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    store_id: Mapped[UUID] = mapped_column(ForeignKey("auth.store.id"))
    name: Mapped[str] = mapped_column(Text)
    public_key: Mapped[str] = mapped_column(Text)
    key_fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[str] = mapped_column(Text, default=ACTIVE, server_default=ACTIVE)
    enrolled_by: Mapped[str | None] = mapped_column(Text)
    seen_on: Mapped[date | None]
    created_at: Mapped[datetime]
