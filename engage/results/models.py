"""What is counted from the log, and what it is counted by."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, one_of
from core.work import Due
from engage.consents.models import CHANNELS

SCHEMA = "engage"
SCOPES = ("journey", "broadcast", "campaign")
#: Those that customers enter in arms, so that their effect can be told.
TRIED = ("journey", "broadcast", "campaign")
ARMS = ("treated", "holdout", "control")


class Tally(Base):
    """How often something happened on one local day of the brand, and what it came to. A missing word is ''.

    step, variant  of the journey's step that did it; country: of a message, two letters
    measure        `counting` lists them; currency: '' where nothing is paid
    """

    __tablename__ = "tally"
    __table_args__ = (CheckConstraint(one_of("scope", SCOPES), name="scope"), {"schema": SCHEMA})

    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    scope_id: Mapped[UUID] = mapped_column(primary_key=True)
    step: Mapped[str] = mapped_column(Text, primary_key=True)
    variant: Mapped[str] = mapped_column(Text, primary_key=True)
    arm: Mapped[str] = mapped_column(Text, primary_key=True)
    channel: Mapped[str] = mapped_column(Text, primary_key=True)
    country: Mapped[str] = mapped_column(Text, primary_key=True)
    measure: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(Text, primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    amount_minor: Mapped[int] = mapped_column(BigInteger)


class Response(Base):
    """That somebody opened, or followed, what one step said: the second time counts no more."""

    __tablename__ = "response"
    __table_args__ = (Index(None, "at"), {"schema": SCHEMA})

    reference: Mapped[UUID] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(Text, primary_key=True)
    at: Mapped[datetime]


class Outcome(Base):
    """What one customer did between entering and `ripe_at`, whatever it was that they were sent.

    variant         what the journey's first A/B step gives them, drawn as they enter in whichever arm; '' without one
    trial           which step drew it, with which shares (`engage.results.trials`)
    revenue_minor   of their orders, in the plan's currency; refunded_minor: what they got back in that time
    redeemed_minor  what vouchers took off that they were given here, and what was put into their wallet
    """

    __tablename__ = "outcome"
    __table_args__ = (
        CheckConstraint(one_of("scope", TRIED), name="scope"),
        CheckConstraint(one_of("arm", ARMS), name="arm"),
        CheckConstraint("orders >= 0", name="orders"),
        CheckConstraint("ripe_at > entered_at", name="ripe"),
        Index("ix_outcome_customer_id", "customer_id", "ripe_at"),
        {"schema": SCHEMA},
    )

    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    scope_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(primary_key=True)
    arm: Mapped[str] = mapped_column(Text)
    variant: Mapped[str] = mapped_column(Text, default="", server_default=text("''"))
    trial: Mapped[UUID | None]
    entered_at: Mapped[datetime]
    ripe_at: Mapped[datetime]
    orders: Mapped[int]
    revenue_minor: Mapped[int] = mapped_column(BigInteger)
    refunded_minor: Mapped[int] = mapped_column(BigInteger)
    redeemed_minor: Mapped[int] = mapped_column(BigInteger)
    is_converted: Mapped[bool]


class EffectPlan(Base):
    """What was fixed before the first look, so that looking often promises as much as looking once.

    customers        how many are expected to become ripe
    bound_minor      what one customer counts for at most, either way
    mean_minor, deviation_minor, buyers   of one customer over so many days of the year before, bounded; and the share
                     of customers who ordered in them
    """

    __tablename__ = "effect_plan"
    __table_args__ = (
        CheckConstraint(one_of("scope", TRIED), name="scope"),
        CheckConstraint("customers > 0", name="customers"),
        CheckConstraint("held_bps BETWEEN 0 AND 10000", name="held"),
        CheckConstraint("outcome_days BETWEEN 1 AND 90", name="days"),
        CheckConstraint("bound_minor > 0", name="bound"),
        CheckConstraint("buyers BETWEEN 0 AND 1", name="buyers"),
        {"schema": SCHEMA},
    )

    scope: Mapped[str] = mapped_column(Text, primary_key=True)
    scope_id: Mapped[UUID] = mapped_column(primary_key=True)
    planned_at: Mapped[datetime]
    customers: Mapped[int]
    held_bps: Mapped[int]
    outcome_days: Mapped[int]
    currency: Mapped[str] = mapped_column(Text)
    bound_minor: Mapped[int] = mapped_column(BigInteger)
    mean_minor: Mapped[float]
    deviation_minor: Mapped[float]
    buyers: Mapped[float]


class OrderHistory(Base):
    """What customers did in stretches of so many days in the year before `as_of`, as it was counted last.

    as_of, stretches, customers, bound_minor, mean_minor, deviation_minor, buyers   as `engage.results.history` says
    asked_at  when somebody asked who could not wait until it is counted (anew); None: nobody
    """

    __tablename__ = "order_history"
    __table_args__ = {"schema": SCHEMA}

    currency: Mapped[str] = mapped_column(Text, primary_key=True)
    days: Mapped[int] = mapped_column(primary_key=True)
    asked_at: Mapped[datetime | None]
    as_of: Mapped[datetime | None]
    stretches: Mapped[int] = mapped_column(BigInteger)
    customers: Mapped[int]
    bound_minor: Mapped[int] = mapped_column(BigInteger)
    mean_minor: Mapped[float]
    deviation_minor: Mapped[float]
    buyers: Mapped[float]


class BroadcastCount(Due, Base):
    """A broadcast whose customers are taken over into outcomes, a few at a time; its id is the broadcast's."""

    __tablename__ = "broadcast_count"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'done')", name="state"),
        CheckConstraint("(state = 'done') = (due_at IS NULL)", name="due"),
        Index("ix_broadcast_count_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        {"schema": SCHEMA},
    )

    counted_to: Mapped[UUID | None]


class CampaignCount(Due, Base):
    """A publication of a campaign to an audience, whose customers are taken over into outcomes; its id is the batch's.

    reached, begun_at, held_bps, salt   as `audience.published` told them
    """

    __tablename__ = "campaign_count"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'done')", name="state"),
        CheckConstraint("(state = 'done') = (due_at IS NULL)", name="due"),
        CheckConstraint("held_bps BETWEEN 0 AND 10000", name="held"),
        Index("ix_campaign_count_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        {"schema": SCHEMA},
    )

    campaign_id: Mapped[UUID]
    audience_id: Mapped[UUID]
    reached: Mapped[UUID]
    begun_at: Mapped[datetime]
    held_bps: Mapped[int]
    salt: Mapped[UUID]
    counted_to: Mapped[UUID | None]


class MessagePrice(Base):
    """What one message costs from a day on, in millionths of the currency's unit; country '': any that has no own."""

    __tablename__ = "message_price"
    __table_args__ = (
        CheckConstraint(one_of("channel", CHANNELS), name="channel"),
        CheckConstraint("country ~ '^([A-Z]{2})?$'", name="country"),
        CheckConstraint("micros >= 0", name="micros"),
        {"schema": SCHEMA},
    )

    channel: Mapped[str] = mapped_column(Text, primary_key=True)
    country: Mapped[str] = mapped_column(Text, primary_key=True)
    since: Mapped[date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(Text)
    micros: Mapped[int] = mapped_column(BigInteger)
    set_by: Mapped[str] = mapped_column(Text)
    set_at: Mapped[datetime]
