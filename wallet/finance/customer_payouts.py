"""Cash of closed wallets on its way to its customers' banks: by a payout file, once a second person agrees to where.

The cash left the wallet as that was closed, to the brand's account "bank"; what a second person refuses waits there
until another account is named.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from auth import approvals
from auth.models import Approval
from core import audit, crypto, ids
from core.errors import NotFound
from wallet.finance import bank_accounts, bank_approvals
from wallet.finance.bank_accounts import BankAccount
from wallet.finance.errors import PayoutOnItsWay
from wallet.finance.settlement_models import CustomerPayout

_PLACE = "wallet.customer_payout.details"

#: refused: name another account. in_file: on its way.
Status = Literal["waiting", "refused", "agreed", "in_file"]


@dataclass(frozen=True, slots=True)
class Kept:
    row: CustomerPayout
    approval: Approval

    def status(self, *, now: datetime) -> Status:
        if self.row.file_id is not None:
            return "in_file"
        standing = bank_approvals.standing(self.approval, now=now)
        return "agreed" if standing == "holding" else "waiting" if standing == "waiting" else "refused"


def ask(
    session: Session,
    *,
    customer_id: UUID,
    currency: str,
    amount_minor: int,
    transfer_id: UUID,
    account: BankAccount,
    asked_by: str,
    now: datetime,
) -> CustomerPayout:
    """Ask for cash that has left a wallet to be paid to an account that `bank_accounts.checked` has passed.

    raises   Erased
    effects  announces approval.asked; audited, without the numbers
    """
    payout_id = ids.new()
    sealed = _sealed(session, customer_id, payout_id, account)
    row = CustomerPayout(
        id=payout_id,
        customer_id=customer_id,
        currency=currency,
        amount_minor=amount_minor,
        transfer_id=transfer_id,
        details=sealed,
        approval_id=_asked(session, customer_id, payout_id, currency, sealed, asked_by=asked_by, now=now),
        set_by=asked_by,
        set_at=now,
    )
    session.add(row)
    session.flush()
    return row


def readdress(session: Session, payout_id: UUID, *, account: BankAccount, actor: str, now: datetime) -> Kept:
    """Name another account for a payout that is in no file; a second person has to agree to this one.

    raises   NotFound; PayoutOnItsWay; BankAccountInvalid; Erased
    effects  audited; announces approval.asked
    """
    account = bank_accounts.checked(account)
    row = session.get(CustomerPayout, payout_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound
    if row.file_id is not None:
        raise PayoutOnItsWay(payout_file_id=str(row.file_id))

    row.details = _sealed(session, row.customer_id, row.id, account)
    row.approval_id = _asked(session, row.customer_id, row.id, row.currency, row.details, asked_by=actor, now=now)
    row.set_by, row.set_at = actor, now
    session.flush()
    target = f"customer_payout:{row.id}"
    audit.record(session, actor=actor, action="customer_payout.readdress", target=target, change={}, now=now)
    return Kept(row, session.get_one(Approval, row.approval_id))


def decide(
    session: Session, payout_id: UUID, *, approve: bool, reason: str | None, decided_by: str, now: datetime
) -> Kept:
    """A second person's word on where a payout goes; with a yes the next file has it.

    raises   NotFound; what `bank_approvals.decide` raises
    """
    # Locked, so that the account which is agreed to is the one that stands there.
    row = session.get(CustomerPayout, payout_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound
    approval = bank_approvals.decide(
        session, row.approval_id, sealed=row.details, approve=approve, reason=reason, decided_by=decided_by,
        outcome={"customer_payout_id": str(row.id)}, now=now,
    )  # fmt: skip
    return Kept(row, approval)


def page(session: Session, *, status: Status | None, before: UUID | None, limit: int, now: datetime) -> Sequence[Kept]:
    """The latest first."""
    query = select(CustomerPayout, Approval).join(Approval, Approval.id == CustomerPayout.approval_id)
    query = query.order_by(CustomerPayout.id.desc()).limit(limit)
    if status is not None:
        query = query.where(*_standing(now)[status])
    if before is not None:
        query = query.where(CustomerPayout.id < before)
    return [Kept(*row) for row in session.execute(query)]


def lock_agreed(session: Session, currency: str, *, most: int) -> Sequence[CustomerPayout]:
    """Those that a file takes next, the oldest first: not those of the erased, whom nobody can pay. Another file waits
    for these, and leaves them out."""
    row, key = CustomerPayout, crypto.DataKey
    is_known = select(key).where(key.owner_id == row.customer_id).exists()
    waiting = (row.currency == currency, row.file_id.is_(None), bank_approvals.agreed(row.approval_id), is_known)
    return session.scalars(select(row).where(*waiting).order_by(row.id).limit(most).with_for_update()).all()


def of_file(session: Session, file_id: UUID) -> list[tuple[CustomerPayout, BankAccount | None]]:
    """A file's payouts with their accounts; None where the customer has been erased since."""
    rows = session.scalars(
        select(CustomerPayout).where(CustomerPayout.file_id == file_id).order_by(CustomerPayout.id)
    ).all()
    crypto.fetch_data_keys(session, [row.customer_id for row in rows])
    return [(row, _opened(session, row)) for row in rows]


def _opened(session: Session, row: CustomerPayout) -> BankAccount | None:
    try:
        text = crypto.unseal(session, owner_id=row.customer_id, place=_PLACE, row_id=row.id, ciphertext=row.details)
    except crypto.Erased:
        return None
    return BankAccount(**json.loads(text))


def _standing(now: datetime) -> Mapping[Status, Sequence[ColumnElement[bool]]]:
    is_waiting = (Approval.status == approvals.WAITING) & (Approval.expires_at > now)
    is_free, is_agreed = CustomerPayout.file_id.is_(None), Approval.used_at.is_not(None)
    return {
        "in_file": (~is_free,),
        "agreed": (is_free, is_agreed),
        "waiting": (is_free, is_waiting),
        "refused": (is_free, ~is_agreed, ~is_waiting),
    }


def _sealed(session: Session, customer_id: UUID, payout_id: UUID, account: BankAccount) -> bytes:
    return crypto.seal(session, owner_id=customer_id, place=_PLACE, row_id=payout_id, text=json.dumps(asdict(account)))


def _asked(
    session: Session, customer_id: UUID, payout_id: UUID, currency: str, sealed: bytes, *, asked_by: str, now: datetime
) -> UUID:
    subject = {"customer_payout_id": str(payout_id), "currency": currency}
    return bank_approvals.ask(
        session, subject=subject, sealed=sealed, asked_by=asked_by, now=now, customer_id=customer_id
    ).id
