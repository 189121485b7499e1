"""The tables behind codes in bulk: batches of them, and what they look like."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base
from core.work import Due
from rewards.models import SCHEMA

#: Who pays for what stands on a batch's gift cards.
TILL, BUDGET = "till", "budget"

MADE, IMPORT, MAILING = "made", "import", "mailing"
WAITING, IMPORTING, ENDED, REFUSED = "waiting", "importing", "ended", "refused"


class CodeBatch(Due, Base):
    """Many vouchers of a campaign at once: codes that we make, codes from elsewhere, or vouchers for an audience.

    pattern      what made codes look like; None for our own usual ones
    funding      of gift cards: "till", which activates each when it sells it, or "budget", which has filled them
    made         how many vouchers stand; refused: how many never will; of `asked`
    faults       [{"line", "code"}, ...] of an import, [{"code", "count"}, ...] of a mailing
    source       the one cause, so that asking again is the same batch
    mode         of an import: "all" of its lines or none, or "each" for itself
    fingerprint  of an import's file, keyed, since codes stand in it
    reached      the last customer of the audience, or voucher of an import that ends, whose turn has been
    """

    __tablename__ = "code_batch"
    __table_args__ = (
        CheckConstraint("kind IN ('made', 'import', 'mailing')", name="kind"),
        CheckConstraint("state IN ('waiting', 'importing', 'ended', 'refused')", name="state"),
        CheckConstraint("mode IN ('all', 'each')", name="mode"),
        CheckConstraint("funding IN ('till', 'budget')", name="funding"),
        CheckConstraint("made >= 0 AND refused >= 0 AND made + refused <= asked", name="counts"),
        CheckConstraint("(state = 'waiting') = (due_at IS NOT NULL)", name="due"),
        CheckConstraint("(state IN ('ended', 'refused')) = (ended_at IS NOT NULL)", name="ended"),
        Index(None, "campaign_id", "id"),
        Index("ix_code_batch_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        {"schema": SCHEMA},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.campaign.id"))
    kind: Mapped[str] = mapped_column(Text)
    pattern: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    funding: Mapped[str | None] = mapped_column(Text)
    asked: Mapped[int]
    made: Mapped[int] = mapped_column(default=0, server_default="0")
    refused: Mapped[int] = mapped_column(default=0, server_default="0")
    faults: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, server_default="[]")
    source: Mapped[str] = mapped_column(Text, unique=True)
    fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary)
    audience_id: Mapped[UUID | None] = mapped_column(ForeignKey("rewards.audience.id"))
    reached: Mapped[UUID | None]
    created_by: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    mode: Mapped[str | None] = mapped_column(Text)

    def end(self, state: str, *, now: datetime) -> None:
        self.state, self.due_at, self.ended_at, self.lease_until = state, None, now, None


class CodeUpload(Base):
    """A part of an import's file that waits for a worker; when it was written, only what was wrong with it is left.

    lines   [[number, code], ...] as JSON, sealed; faults: [{"line", "code"}, ...]
    """

    __tablename__ = "code_upload"
    __table_args__ = {"schema": SCHEMA}

    batch_id: Mapped[UUID] = mapped_column(ForeignKey("rewards.code_batch.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    lines: Mapped[bytes | None] = mapped_column(LargeBinary)
    faults: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")


class CodeShape(Base):
    """What codes of a length begin with, and of which characters the rest is; promised: how many were asked for."""

    __tablename__ = "code_shape"
    __table_args__ = (
        CheckConstraint("alphabet IN ('crockford', 'digits', 'any')", name="alphabet"),
        {"schema": SCHEMA},
    )

    prefix: Mapped[str] = mapped_column(Text, primary_key=True)
    length: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    alphabet: Mapped[str] = mapped_column(Text, primary_key=True)
    has_check: Mapped[bool]
    promised: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
