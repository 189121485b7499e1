"""What the provider tells unasked: each notice is kept once, and only ever moves what is known forward.

So they may come twice, late, in any order, or before the answer to our own question: a charge that is told wins over
whatever was thought of it, of refunds the largest sum counts (less what failed after it was true), and a dispute only
goes on (`Dispute.status`).
"""

from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import ids, work
from core.db import connection_of, transaction
from core.gateways.payments import Notice
from wallet.errors import PostingRefused
from wallet.topups import clawbacks, counting, disputes, outcomes, refunds
from wallet.topups.models import ProviderNotice, Topup

BATCH = 50
#: A notice of a charge that we do not know waits for it so long: it may be another system's on the same account.
WAIT_FOR = timedelta(days=1)
_ASK_AGAIN = timedelta(minutes=1)

_UNDECIDED = ("pending", "in_doubt", "requires_action")


def take(notice: Notice, *, provider: str, now: datetime) -> None:
    """Keep a notice whose signature is proven, and act on it. Opens transactions of its own.

    effects  posts and announces what `outcomes` and `clawbacks` do
    """
    if notice.kind == "other":
        return
    with transaction() as session:
        kept = session.scalars(
            insert(ProviderNotice)
            .values(
                id=ids.new(), provider=provider, notice_id=notice.id, kind=notice.kind, facts=asdict(notice),
                received_at=now, state="waiting", due_at=now, attempts=0,
            )
            .on_conflict_do_nothing(index_elements=["provider", "notice_id"])
            .returning(ProviderNotice)
        ).one_or_none()  # fmt: skip
        if kept is None:
            return
        topup_id = _act(session, kept, notice, now=now)

    if topup_id is not None:
        clawbacks.bring_into_line(topup_id, now=now)


def take_waiting(now: datetime) -> int:
    """Look again for the top-ups of notices that came before we knew them; how many were due."""
    acted = []
    with transaction() as session:
        due = work.lock_due(session, ProviderNotice, states=["waiting"], limit=BATCH, now=now)
        for kept in due:
            acted.append(_act(session, kept, Notice(**kept.facts), now=now))

    for topup_id in acted:
        if topup_id is not None:
            clawbacks.bring_into_line(topup_id, now=now)
    return len(due)


def _act(session: Session, kept: ProviderNotice, notice: Notice, *, now: datetime) -> UUID | None:
    """Move what we know forward; the top-up, where value may have to be taken back."""
    topup = _lock(session, notice)
    if topup is None:
        is_hopeless = notice.reference is not None or now >= kept.received_at + WAIT_FOR
        kept.state = "ignored" if is_hopeless else "waiting"
        kept.due_at = None if is_hopeless else now + _ASK_AGAIN
        return None
    if _is_early(topup, notice) and now < kept.received_at + WAIT_FOR:
        kept.state, kept.due_at = "waiting", now + _ASK_AGAIN
        return None

    kept.state, kept.due_at = "done", None
    match notice.kind:
        case "charged":
            _charged(session, topup, notice, now=now)
        case "declined" | "canceled":
            _declined(session, topup, notice, now=now)
        case "action_needed" if topup.state == "in_doubt" and topup.provider_reference is None:
            topup.state, topup.provider_reference = "requires_action", notice.provider_reference
            topup.due_at, topup.last_error = outcomes.next_asking(topup, now=now, is_named=True), None
        case "refunded":
            told = notice.amount_minor - _failed_since(session, kept, notice)
            topup.told_refunded_minor = max(topup.told_refunded_minor, told)
            topup.claw_due_at = now
        case "refund_failed" if topup.state == "succeeded":
            try:
                with session.begin_nested():
                    refunds.fail_late(session, topup, notice, refund_id=_uuid(notice.refund), now=now)
            except PostingRefused as refusal:  # the wallet was closed since
                kept.state, kept.due_at, kept.last_error = "waiting", now + clawbacks.TRY_AGAIN_AFTER, refusal.code
        case "disputed":
            disputes.move(session, topup, notice, now=now)
            topup.claw_due_at = now
    session.flush()
    return topup.id if topup.claw_due_at is not None else None


def _is_early(topup: Topup, notice: Notice) -> bool:
    """A failed refund that overtook the word that it was made, which would be taken from the customer after it."""
    return (
        notice.kind == "refund_failed"
        and topup.state == "succeeded"
        and topup.told_refunded_minor < notice.amount_minor
    )


def _failed_since(session: Session, kept: ProviderNotice, notice: Notice) -> int:
    """How much of the sum in an older notice of refunds has come to nothing since it was true."""
    facts = ProviderNotice.facts
    failed = select(func.coalesce(func.sum(facts["amount_minor"].as_integer()), 0)).where(
        ProviderNotice.provider == kept.provider,
        ProviderNotice.kind == "refund_failed",
        ProviderNotice.state == "done",
        facts["provider_reference"].astext == notice.provider_reference,
        func.coalesce(facts["told_at_seconds"].as_integer(), 0) > notice.told_at_seconds,
    )
    return int(session.scalars(failed).one())


def _lock(session: Session, notice: Notice) -> Topup | None:
    """The top-up that a notice speaks of: by our own reference, else by the provider's name for the charge."""
    query = select(Topup).with_for_update()
    if notice.reference is not None:
        return session.scalars(query.where(Topup.id == _uuid(notice.reference))).one_or_none()
    if notice.provider_reference is None:
        return None
    return session.scalars(query.where(Topup.provider_reference == notice.provider_reference)).one_or_none()


def _charged(session: Session, topup: Topup, notice: Notice, *, now: datetime) -> None:
    if topup.state == "succeeded":
        return
    topup.lease_token, topup.lease_until, topup.due_at = None, None, None
    topup.provider_reference = notice.provider_reference
    if (notice.amount_minor, notice.currency) != (topup.amount_minor, topup.currency):
        topup.state, topup.last_error = "in_doubt", f"charged {notice.amount_minor} {notice.currency}"
        return
    try:
        with session.begin_nested():
            if topup.state == "failed":
                counting.recount(connection_of(session), topup)
            topup.state, topup.decline_code, topup.last_error = "succeeded", None, None
            session.flush()
            outcomes.post(session, [topup], now=now)
    except PostingRefused as refusal:
        session.refresh(topup)
        topup.state, topup.last_error, topup.provider_reference = "in_doubt", refusal.code, notice.provider_reference
        topup.lease_token, topup.lease_until = None, None
        topup.due_at = outcomes.next_asking(topup, now=now, is_named=True)


def _declined(session: Session, topup: Topup, notice: Notice, *, now: datetime) -> None:
    """On a sheet the customer may try another card, as long as the charge was not called off."""
    if topup.state not in _UNDECIDED:
        return
    code = notice.code or notice.kind
    if topup.way == "sheet" and notice.kind == "declined":
        topup.decline_code = code if topup.state == "requires_action" else topup.decline_code
        return

    topup.state, topup.decline_code, topup.last_error, topup.due_at = "failed", code, None, None
    topup.provider_reference = topup.provider_reference or notice.provider_reference
    topup.lease_token, topup.lease_until = None, None
    outcomes.fail(session, [(topup, code)], now=now)


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:  # another system's
        return None
