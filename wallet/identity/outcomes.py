"""What became of identity checks. A verdict moves a check only forward: towards approved, which is final.

A provider lets a customer who failed try again within the same check, so an approval may follow a rejection; a
rejection that comes after an approval was overtaken by it.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from core.errors import NotFound
from core.events import announce
from core.gateways.identity import IdentityOutcome, Standing, Verdict
from core.gateways.outcomes import Refused, Retry
from wallet.identity import sealed, tiers
from wallet.identity.events import IdentityCheckCompleted
from wallet.identity.models import OPEN, IdentityCheck

#: First wait and longest wait before the provider is asked again; its call-backs are quicker anyway.
WAITS = {
    "pending": (timedelta(seconds=15), timedelta(hours=1)),
    "waiting": (timedelta(minutes=1), timedelta(hours=12)),
}


def lock(session: Session, check_id: UUID) -> IdentityCheck | None:
    return session.get(IdentityCheck, check_id, with_for_update=True, populate_existing=True)


def record(session: Session, check_id: UUID, token: UUID, outcome: IdentityOutcome, *, now: datetime) -> IdentityCheck:
    """What the provider surely said is a fact, also when the lease was lost meanwhile; the rest needs the lease."""
    check = lock(session, check_id)
    if check is None:
        raise NotFound

    if isinstance(outcome, Standing):
        take(session, check, outcome, now=now)
    elif check.lease_token == token and check.state in OPEN:
        _keep_failure(check, outcome, now=now)
    return check


def take(session: Session, check: IdentityCheck, standing: Standing, *, now: datetime) -> None:
    """Move a locked check on by the provider's word.

    effects  announces identity_check.completed for a new verdict; an approval raises the tier
    """
    if check.provider_reference not in (None, standing.provider_reference):
        return  # about another check than the one that we know
    check.provider_reference = standing.provider_reference
    check.document = None
    if standing.verdict is not None:
        if _is_news(check, standing.verdict):
            _decide(session, check, standing.verdict, now=now)
    elif check.state in OPEN:
        check.state, check.last_error, check.lease_token, check.lease_until = "waiting", None, None, None
        check.due_at = now + _wait(check)
        sealed.keep_handover(session, check, standing.handover)


def expire(check: IdentityCheck) -> None:
    """End a check whose verdict will not come; should it come after all, it counts."""
    _end(check, "expired")


def _is_news(check: IdentityCheck, verdict: Verdict) -> bool:
    return check.state != "approved" and (verdict.is_approved or check.state != "rejected")


def _decide(session: Session, check: IdentityCheck, verdict: Verdict, *, now: datetime) -> None:
    _end(check, "approved" if verdict.is_approved else "rejected")
    check.reasons, check.decided_at, check.last_error = list(verdict.reasons), now, None
    session.flush()

    if verdict.is_approved:
        tiers.verify(session, check.customer_id, now=now)
    announce(
        session,
        IdentityCheckCompleted(
            customer_id=check.customer_id,
            occurred_at=now,
            identity_check_id=check.id,
            outcome=check.state,
            reasons=check.reasons,
        ),
    )


def _keep_failure(check: IdentityCheck, outcome: IdentityOutcome, *, now: datetime) -> None:
    if isinstance(outcome, Refused) and (outcome.permanent or check.state == "pending"):
        _end(check, "refused")
        check.reasons = [outcome.code]
        return
    wait = _wait(check)
    if isinstance(outcome, Retry) and outcome.after_seconds is not None:
        wait = max(wait, min(timedelta(seconds=outcome.after_seconds), timedelta(days=1)))
    check.last_error = outcome.code if isinstance(outcome, Refused | Retry) else getattr(outcome, "reason", "unknown")
    check.due_at, check.lease_token, check.lease_until = now + wait, None, None


def _wait(check: IdentityCheck) -> timedelta:
    first, longest = WAITS[check.state]
    return min(first * (1 << min(max(check.attempts - 1, 0), 12)), longest)


def _end(check: IdentityCheck, state: str) -> None:
    check.state, check.document, check.handover = state, None, None
    check.due_at, check.lease_token, check.lease_until = None, None, None
