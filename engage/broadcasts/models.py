"""A broadcast, the parts in which it is prepared, and what became of it for each customer."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, one_of
from core.work import Due

DRAFT, SCHEDULED, PREPARING, DONE, CANCELLED = "draft", "scheduled", "preparing", "done", "cancelled"
#: It stands still until it is started again.
STOPPED = "stopped"
STATUSES = (DRAFT, SCHEDULED, PREPARING, STOPPED, DONE, CANCELLED)
WAITING, TAKING_BACK = "waiting", "taking_back"
PART_STATES = (WAITING, DONE, TAKING_BACK, CANCELLED)
#: Parts of a broadcast, one a slot of its segment's members.
PARTS = 64
OUTCOMES = ("sent", "skipped", "refused", "held_out", "cancelled")


class Broadcast(Base):
    """One message to a segment.

    template_version_id  what is sent of a saved template, pinned when it is started
    wording      what it says, where no saved template does
    starts_at    when preparing begins; None: at once
    local_time   "HH:MM": it leaves at the next such time in each customer's own zone
    per_minute   how many customers' messages may leave a minute; None: any number
    expected     how many members the one who started it was shown
    started_at   when it was started, or last started again after it had stopped
    stopped_because  the code of what stopped it last
    """

    __tablename__ = "broadcast"
    __table_args__ = (
        CheckConstraint("purpose IN ('marketing', 'transactional')", name="purpose"),
        CheckConstraint("quiet IN ('hold', 'skip', 'pass')", name="quiet"),
        CheckConstraint(one_of("status", STATUSES), name="status"),
        CheckConstraint("cardinality(channels) > 0", name="channels"),
        CheckConstraint("(template_id IS NULL) <> (wording IS NULL)", name="says"),
        CheckConstraint("per_minute > 0", name="per_minute"),
        CheckConstraint("holdout_bps BETWEEN 0 AND 5000", name="holdout_bps"),
        CheckConstraint("status IN ('draft', 'cancelled') OR started_at IS NOT NULL", name="started"),
        CheckConstraint("status <> 'stopped' OR stopped_because IS NOT NULL", name="stopped"),
        {"schema": "engage"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    segment_id: Mapped[UUID]
    template_id: Mapped[UUID | None]
    template_version_id: Mapped[UUID | None]
    wording: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    campaign_id: Mapped[UUID | None] = mapped_column(ForeignKey("rewards.campaign.id"))
    purpose: Mapped[str]
    channels: Mapped[list[str]] = mapped_column(ARRAY(Text))
    quiet: Mapped[str]
    starts_at: Mapped[datetime | None]
    local_time: Mapped[str | None]
    per_minute: Mapped[int | None]
    holdout_bps: Mapped[int]
    status: Mapped[str]
    expected: Mapped[int | None] = mapped_column(BigInteger)
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    started_by: Mapped[str | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    stopped_because: Mapped[str | None]


class BroadcastPart(Due, Base):
    """One 64th of a broadcast: the members of one slot, up to `cursor` dealt with.

    done   how many members that were
    counts those members by what became of them: "sent", "skipped:no_consent", ... (engage.broadcasts.counting)
    leaves_until  when the last of its messages is to leave, if nothing holds it back
    first_place, places  which places in the queue of a throttle are its own: as many as it had members at the start
    due_at None of one that waits: the broadcast has stopped
    state  taking_back: the broadcast was cancelled, and this part takes back what has not left yet
    """

    __tablename__ = "broadcast_part"
    __table_args__ = (
        UniqueConstraint("broadcast_id", "slot", name="uq_broadcast_part_broadcast_id_slot"),
        CheckConstraint("slot BETWEEN 0 AND 63", name="slot"),
        CheckConstraint(one_of("state", PART_STATES), name="state"),
        Index("ix_broadcast_part_due", "due_at", postgresql_where=text("state IN ('waiting', 'taking_back')")),
        {"schema": "engage"},
    )

    broadcast_id: Mapped[UUID] = mapped_column(ForeignKey("engage.broadcast.id"))
    slot: Mapped[int] = mapped_column(SmallInteger)
    cursor: Mapped[UUID | None]
    done: Mapped[int] = mapped_column(server_default="0")
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'::jsonb"))
    leaves_until: Mapped[datetime | None]
    first_place: Mapped[int] = mapped_column(BigInteger)
    places: Mapped[int]


class BroadcastSend(Base):
    """What became of a broadcast for one customer; its id is the reference of their messages.

    arm      treated, holdout (of this broadcast) or control (of everything): only the treated are sent anything
    channel  the one that it went out by
    """

    __tablename__ = "broadcast_send"
    __table_args__ = (
        UniqueConstraint("broadcast_id", "customer_id", name="uq_broadcast_send_broadcast_id_customer_id"),
        CheckConstraint("arm IN ('treated', 'holdout', 'control')", name="arm"),
        CheckConstraint(one_of("outcome", OUTCOMES), name="outcome"),
        Index("ix_broadcast_send_customer_id", "customer_id", "id"),
        {"schema": "engage"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    broadcast_id: Mapped[UUID] = mapped_column(ForeignKey("engage.broadcast.id"))
    customer_id: Mapped[UUID]
    arm: Mapped[str]
    outcome: Mapped[str]
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, server_default=text("'[]'::jsonb"))
    channel: Mapped[str | None]
    voucher_id: Mapped[UUID | None]
    message_ids: Mapped[list[UUID]] = mapped_column(
        ARRAY(Uuid(as_uuid=True)), default=list, server_default=text("'{}'::uuid[]")
    )
    at: Mapped[datetime]
