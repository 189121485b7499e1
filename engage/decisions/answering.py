"""Answering: why this customer got, or did not get, what one journey gives."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from core.errors import NotFound


@dataclass(frozen=True, slots=True)
class Answer:
    """verdict: "entered", "held_out" (of this journey), "control" (of all marketing), "refused", "never_seen" or
    "not_published"; words: the same in a sentence; reasons: of the latest refusal

    at   when they entered or were refused last
    """

    verdict: str
    words: str
    at: datetime | None
    reasons: list[dict[str, Any]]


def about(session: Session, customer_id: UUID, journey_id: UUID) -> Answer:
    """raises  NotFound for a journey that there is not"""
    row = connection_of(session).execute(_ABOUT, {"customer": customer_id, "journey": journey_id}).fetchone()
    if row is None:
        raise NotFound
    status, opened_at, arm, entered_at, state, step, end_reason, reasons, refused_at = row
    if entered_at is not None:
        return Answer(_VERDICTS[arm], f"{_BY_ARM[arm]} {_stands(state, step, end_reason)}", entered_at, [])
    if refused_at is not None:
        words = " ".join(["They were not let in:", *[_said(one) for one in reasons]])
        return Answer("refused", words, refused_at, reasons)
    if opened_at is None:
        return Answer("not_published", "The journey has not been published.", None, [])
    closed = "" if status == "live" else f" It is {status} now."
    words = f"Nothing that begins it has been seen of them since it was published on {opened_at:%Y-%m-%d}.{closed}"
    return Answer("never_seen", words, None, [])


_VERDICTS = {"treated": "entered", "holdout": "held_out", "control": "control"}

_BY_ARM = {
    "treated": "They entered it.",
    "holdout": "They entered it held out: they walk it without its effects, so that these can be told from chance.",
    "control": "They entered it in the control group, which gets no marketing at all.",
}


def _stands(state: str, step: str | None, end_reason: str | None) -> str:
    if state == "ended":
        return f"Their walk has ended: {end_reason}."
    return f"They stand at “{step}”."


def _said(reason: dict[str, Any]) -> str:
    return str(reason.get("detail") or reason.get("code"))


# Of the latest entry, and of the latest refusal within what is kept.
_ABOUT = """
    SELECT j.status, (SELECT min(published_at) FROM engage.journey_version WHERE journey_id = j.id),
           e.arm, e.entered_at, e.state, e.step, e.end_reason, x.reasons, x.at
      FROM engage.journey j
      LEFT JOIN LATERAL (
           SELECT arm, entered_at, state, step, end_reason FROM engage.enrolment
            WHERE journey_id = j.id AND customer_id = %(customer)s ORDER BY entered_at DESC, id DESC LIMIT 1) e ON true
      LEFT JOIN LATERAL (
           SELECT reasons, at FROM engage.refused_entry
            WHERE journey_id = j.id AND customer_id = %(customer)s ORDER BY at DESC LIMIT 1) x ON true
     WHERE j.id = %(journey)s
"""
