"""Demands: what is only done by somebody who showed who they are just now (RFC 9470)."""

from datetime import datetime

from sqlalchemy.orm import Session

from auth.passkeys import registering
from auth.proofs import MULTI_FACTOR, ONE_FACTOR, PHISHING_RESISTANT, Owner
from auth.step_up.errors import StepUpRequired
from core.web.principals import Principal

FRESH_SECONDS = 300

_STRENGTHS = (ONE_FACTOR, MULTI_FACTOR, PHISHING_RESISTANT)


def demand(
    session: Session, principal: Principal, *, now: datetime, max_age: int = FRESH_SECONDS, at_least: str | None = None
) -> None:
    """Let nobody on but who signed in within `max_age` seconds, as strongly as they can.

    at_least  how strongly; None: by a passkey where the owner has one, else in any way
    raises    StepUpRequired
    """
    wanted = at_least or strongest_of(session, owner_of(principal))
    age = now.timestamp() - principal.auth_time
    if age > max_age or _strength(principal.acr) < _strength(wanted):
        raise StepUpRequired(acr_values=wanted, max_age=max_age)


def owner_of(principal: Principal) -> Owner:
    return Owner(staff_id=principal.id) if principal.kind == "staff" else Owner(customer_id=principal.id)


def strongest_of(session: Session, owner: Owner) -> str:
    """How strongly somebody can show who they are: by a passkey where they have one."""
    return PHISHING_RESISTANT if registering.of(session, owner) else ONE_FACTOR


def _strength(acr: str) -> int:
    return _STRENGTHS.index(acr) if acr in _STRENGTHS else -1
