"""Whether a customer's wallet can be used: open, frozen (nothing may leave it) or closed for ever."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import audit
from core.events import announce
from wallet import standing
from wallet.errors import AccountClosed, AccountFrozen
from wallet.finance.bank_accounts import BankAccount
from wallet.identity import closures
from wallet.identity.closures import Closure
from wallet.identity.events import WalletFrozen, WalletUnfrozen

STATUSES = ("open", "frozen", "closed")


def of(session: Session, customer_id: UUID) -> str:
    """One of STATUSES."""
    return standing.of(session, f"customer:{customer_id}")


def set_(
    session: Session,
    customer_id: UUID,
    *,
    status: str,
    reason: str,
    actor: str,
    now: datetime,
    pay_out_to: BankAccount | None = None,
    forfeits: bool = False,
) -> Closure:
    """Put a customer's wallet where staff want it; a frozen one may be closed. Nothing happens where it is there.

    raises   AccountClosed for one that is closed and should not be; what `closures.close` raises
    effects  audited; announces wallet.frozen, wallet.unfrozen or wallet.closed
    """
    owner = closures.lock(session, customer_id)
    previous, closure = standing.of(session, owner), Closure()
    if previous == status:
        return closure
    if previous == "closed":
        raise AccountClosed

    if status == "frozen":
        standing.freeze(session, owner)
        announce(session, WalletFrozen(customer_id=customer_id, occurred_at=now, reason=reason))
    elif status == "open":
        standing.unfreeze(session, owner)
        announce(session, WalletUnfrozen(customer_id=customer_id, occurred_at=now, reason=reason))
    else:
        standing.unfreeze(session, owner)  # a payout leaves the wallet
        closure = closures.close(
            session, customer_id, pay_out_to=pay_out_to, forfeits=forfeits, reason=reason, asked_by=actor, now=now
        )
    change = {"status": status, "previous_status": previous, "reason": reason}
    audit.record(session, actor=actor, action="wallet.status_set", target=owner, change=change, now=now)
    return closure


def close_own(
    session: Session, customer_id: UUID, *, pay_out_to: BankAccount | None, forfeits: bool, now: datetime
) -> Closure:
    """Close a wallet as its customer wishes; where its cash goes, staff have to agree to.

    raises  AccountFrozen; what `closures.close` raises
    """
    if standing.of(session, closures.lock(session, customer_id)) == "frozen":
        raise AccountFrozen
    return closures.close(
        session, customer_id, pay_out_to=pay_out_to, forfeits=forfeits, reason="customer",
        asked_by=f"customer:{customer_id}", now=now,
    )  # fmt: skip
