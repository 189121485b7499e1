"""The tables of passkeys."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from auth.proofs import Owner
from core.db import Base

_SCHEMA: dict[str, Any] = {"schema": "auth"}


class Passkey(Base):
    """A public key whose private half is on a device of a customer's or of staff's.

    name           what its owner calls it, sealed under their data key
    sign_count     the authenticator's own counter; one that does not grow is a copy's. 0 where it counts nothing
    is_backed_up   whether the platform keeps a copy, on the owner's other devices too
    approves_from  from when on it may approve payments: who has only stolen a number must not pay today
    """

    __tablename__ = "passkey"
    __table_args__ = (
        UniqueConstraint("credential_id"),
        CheckConstraint("(customer_id IS NULL) <> (staff_id IS NULL)", name="owner"),
        CheckConstraint("sign_count >= 0", name="sign_count"),
        Index("ix_passkey_customer_id", "customer_id", postgresql_where=text("customer_id IS NOT NULL")),
        Index("ix_passkey_staff_id", "staff_id", postgresql_where=text("staff_id IS NOT NULL")),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.customer.id"))
    staff_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.staff.id"))
    credential_id: Mapped[bytes] = mapped_column(LargeBinary)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    aaguid: Mapped[UUID]
    transports: Mapped[list[str]] = mapped_column(ARRAY(Text))
    is_backed_up: Mapped[bool]
    name: Mapped[bytes | None] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    approves_from: Mapped[datetime]

    @property
    def owner(self) -> Owner:
        return Owner(customer_id=self.customer_id, staff_id=self.staff_id)


class PasskeyCeremony(Base):
    """A challenge that waits for its answer: of a passkey being made, or of a sign-in whose owner is not known yet."""

    __tablename__ = "passkey_ceremony"
    __table_args__ = (
        UniqueConstraint("challenge"),
        CheckConstraint("purpose IN ('register', 'web', 'staff')", name="purpose"),
        CheckConstraint("customer_id IS NULL OR staff_id IS NULL", name="owner"),
        Index(None, "expires_at"),
        _SCHEMA,
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(Text)
    challenge: Mapped[bytes] = mapped_column(LargeBinary)
    customer_id: Mapped[UUID | None]
    staff_id: Mapped[UUID | None]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
