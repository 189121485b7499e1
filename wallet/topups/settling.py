"""Top-ups in doubt, settled by staff with what the provider's own console shows."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import audit
from core.errors import NotFound
from wallet.topups import outcomes
from wallet.topups.errors import TopupNotInDoubt
from wallet.topups.models import Topup

NOT_CHARGED = "not_charged"


def settle(
    session: Session, topup_id: UUID, *, is_charged: bool, provider_reference: str | None, actor: str, now: datetime
) -> Topup:
    """What an operator found out at the provider: it charged the customer, or it did not. The same again is no fault.

    raises   NotFound; TopupNotInDoubt when it was decided otherwise, or the provider is being asked just now;
             ProviderReferenceReused; PostingRefused when the ledger cannot take it
    effects  audited; announces topup.completed or topup.failed
    """
    topup = session.get(Topup, topup_id, with_for_update=True)
    if topup is None:
        raise NotFound
    wanted = "succeeded" if is_charged else "failed"
    if topup.state == wanted:
        return topup
    is_leased = topup.lease_until is not None and topup.lease_until > now
    if topup.state != "in_doubt" or is_leased:
        raise TopupNotInDoubt

    topup.state, topup.due_at, topup.lease_token, topup.lease_until = wanted, None, None, None
    topup.provider_reference = provider_reference or topup.provider_reference
    topup.decline_code = None if is_charged else NOT_CHARGED
    audit.record(
        session,
        actor=actor,
        action="topup.settle",
        target=f"topup:{topup_id}",
        change={"charged": is_charged, "provider_reference": provider_reference},
        now=now,
    )
    session.flush()
    if is_charged:
        outcomes.post(session, [topup], now=now)
    else:
        outcomes.fail(session, [(topup, NOT_CHARGED)], now=now)
    return topup
