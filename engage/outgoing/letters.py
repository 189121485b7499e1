"""Letters: what is meant to be said to one customer, and what was decided about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from engage.inbox import NewItem
from engage.links.kept import NewLink
from engage.templates.embeds import Embed
from engage.templates.wording import Wording

Reason = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message of a walk or a broadcast, before anybody knows whether and how it goes out.

    arm        treated, holdout, or control (which only marketing leaves out)
    channels   in the order to try; "inbox" is the app alone
    context    what its template may say beside the customer and the voucher: {"event": the payload that led here}
    traits     of the customer, those that were set just before and are nowhere else yet
    reference  what it is for, drawn for it alone (a step run, a broadcast's send): told in all that becomes of it
    quiet      in quiet hours: "hold" until they are over, "skip", or "pass"
    due_at     when it is to leave; None: at once
    paced_from since when a throttle lets so many letters a minute leave, of which this one's turn is at `due_at`:
               quiet hours stop the throttle, too; None: it is no throttle's
    expires_at from when on it is worth nothing; None: it is for three days, or until its voucher ends
    """

    customer_id: UUID
    purpose: str
    channels: Sequence[str]
    wording: Wording
    reference: UUID
    arm: str = "treated"
    context: Mapping[str, Any] = field(default_factory=dict)
    traits: Mapping[str, Any] = field(default_factory=dict)
    voucher: Embed | None = None
    quiet: str = "hold"
    due_at: datetime | None = None
    paced_from: datetime | None = None
    expires_at: datetime | None = None
    caused_by: UUID | None = None
    depth: int = 0
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """It goes out over this channel.

    reasons    why the channels before it were passed over, and until when it is held
    addresses  each with the caller's id of it; none where it is for the inbox alone
    marks      what it took of frequency caps, given back should it not leave after all
    """

    letter: Letter
    channel: str
    addresses: Sequence[tuple[str, UUID | None]]
    content: dict[str, Any]
    item: NewItem
    links: Sequence[NewLink]
    due_at: datetime
    expires_at: datetime
    reasons: Sequence[Reason] = ()
    marks: Sequence[tuple[str, str]] = ()

    @property
    def outcome(self) -> Literal["sent"]:
        return "sent"


@dataclass(frozen=True, slots=True)
class Skipped:
    """It does not go out. outcome: "held_out" for those who are left in peace so that effects can be told."""

    letter: Letter
    reasons: Sequence[Reason]
    outcome: Literal["skipped", "held_out"] = "skipped"


Decided = Sent | Skipped
