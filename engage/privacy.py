"""What engage holds on a customer: what they agreed to, what they were sent, and where they stand in journeys."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from core.holdings import Held, Holder, Sealed

_RESULTS = "what a journey or campaign came to is counted from it, under a pseudonymous id"


def part(session: Session, customer_id: UUID, now: datetime) -> Mapping[str, Any]:
    """Take the customer out of every journey, so that none issues or sends anything more."""
    left = connection_of(session).execute(_LEAVE, {"customer": customer_id, "now": now}).fetchall()
    return {"journeys_left": len(left)}


_LEAVE = """
    UPDATE engage.enrolment
       SET state = 'ended', due_at = NULL, ended_at = coalesce(ended_at, %(now)s), goal_until = NULL,
           end_reason = coalesce(end_reason, 'erased'), awaited_event = NULL, timeout_at = NULL
     WHERE customer_id = %(customer)s AND (state <> 'ended' OR goal_until IS NOT NULL)
    RETURNING id
"""

HOLDER = Holder(
    room="engage",
    parting=part,
    held=(
        Held(table="engage.inbox_item", opens={"content": Sealed("inbox_item.content")}, erased="dropped"),
        Held(table="engage.tracked_link", order="code", hides=("code",), erased="dropped"),
        Held(table="engage.incoming_window", order="channel", erased="dropped"),
        Held(table="engage.cap_count", order="cap, bucket", erased="dropped"),
        Held(table="engage.consent", order="channel, purpose", erased="dropped"),
        Held(
            table="engage.consent_record",
            order="seq",
            why="that they agreed or declined, and when: the proof of what was sent; it holds no personal data",
        ),
        Held(
            table="engage.entry_request",
            where="customer_id = %(customer)s"
            " OR phone_index = (SELECT phone_index FROM auth.customer WHERE id = %(customer)s)",
            erased="dropped",
        ),
        Held(
            table="engage.webhook_call",
            where="customer_id = %(customer)s",
            hides=("body",),
            is_told=False,
            why="what a journey told another server; the step that did so is told",
            erased="dropped",
        ),
        Held(table="engage.backtest_customer", order="backtest_id", is_told=False, erased="dropped",
             why="what might have been, had a journey run"),
        Held(table="engage.enrolment", order="entered_at", hides=("context",), why=_RESULTS),
        Held(table="engage.step_run", why=_RESULTS),
        Held(table="engage.broadcast_send", why=_RESULTS),
        Held(table="engage.outcome", order="entered_at", why=_RESULTS),
        Held(table="engage.refused_entry", order="at", erased="dropped"),
    ),
    exempt={
        "engage.opt_out": "an HMAC of a number that must not be written to, whoever has it: it protects the number",
        "engage.effect_plan": "counts of many",
        "engage.order_history": "counts of many",
    },
)  # fmt: skip
