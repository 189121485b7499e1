"""Payout files: payouts of settlements and of closed wallets that are given to the bank together, each in one file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.orm import Session

from core import audit, ids
from core.errors import NotFound
from wallet.assets import exponent_of
from wallet.finance import bank_accounts, customer_payouts
from wallet.finance.bank_accounts import BankAccount
from wallet.finance.errors import NothingToPayOut
from wallet.finance.settlement_models import MerchantBankAccount, Payout, PayoutFile, Settlement

#: What a bank's portal takes and a person can look over; the rest goes into the next file.
MOST = 2_000


@dataclass(frozen=True, slots=True)
class Made:
    """without_bank_account: merchants whose payouts wait until it is known where to send them."""

    row: PayoutFile
    without_bank_account: Sequence[UUID] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One payout, with where it goes: a merchant's for a settlement, or a customer's (merchant_id is None).

    id       of the settlement, or of the customer's payout
    account  None: its customer has been erased since
    """

    id: UUID
    merchant_id: UUID | None
    amount_minor: int
    account: BankAccount | None

    @property
    def end_to_end_id(self) -> str:
        return self.id.hex

    @property
    def reference(self) -> str:
        """What who is paid finds on their bank's statement."""
        return f"{'Settlement' if self.merchant_id else 'Payout'} {self.id}"


def make(session: Session, *, currency: str, actor: str, now: datetime) -> Made:
    """Put the payouts that wait in one currency into a file, the oldest first.

    raises   CurrencyUnknown; NothingToPayOut; PayoutTwin while another file takes the same ones
    effects  audited
    """
    exponent_of(currency)
    payable, missing = _payable(session, currency), _without_bank_account(session, currency)
    customers = customer_payouts.lock_agreed(session, currency, most=MOST - len(payable))
    if not payable and not customers:
        raise NothingToPayOut(without_bank_account=[str(merchant_id) for merchant_id in missing])

    known = bank_accounts.latest(session, [each.merchant_id for each in payable], currency)
    file = PayoutFile(
        id=ids.new(),
        currency=currency,
        payout_count=len(payable) + len(customers),
        control_sum_minor=sum(each.payout_minor for each in payable) + sum(each.amount_minor for each in customers),
        made_by=actor,
        made_at=now,
    )
    session.add(file)
    session.flush()
    if payable:
        session.execute(insert(Payout), [_payout(each, file, known[each.merchant_id]) for each in payable])
    for each in customers:
        each.file_id = file.id
    session.flush()
    change = {"currency": currency, "payouts": file.payout_count, "control_sum_minor": file.control_sum_minor}
    audit.record(
        session, actor=actor, action="payout_file.make", target=f"payout_file:{file.id}", change=change, now=now
    )
    return Made(file, missing)


def find(session: Session, file_id: UUID) -> PayoutFile:
    """raises  NotFound"""
    file = session.get(PayoutFile, file_id)
    if file is None:
        raise NotFound
    return file


def page(session: Session, *, before: UUID | None, limit: int) -> Sequence[PayoutFile]:
    """The files, the latest first."""
    query = select(PayoutFile).order_by(PayoutFile.id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(PayoutFile.id < before)).all()


def lines(session: Session, file: PayoutFile, *, actor: str, now: datetime) -> list[Line]:
    """A file's payouts with the bank accounts that held when it was made, in the order of their settlements.

    effects  audited, since it opens what is sealed
    """
    query = (
        select(Payout, MerchantBankAccount)
        .join(MerchantBankAccount, MerchantBankAccount.id == Payout.bank_account_id)
        .where(Payout.file_id == file.id)
        .order_by(Payout.settlement_id)
    )
    found = session.execute(query).all()
    bank_accounts.fetch_keys(session, [row.merchant_id for _, row in found])
    audit.record(session, actor=actor, action="payout_file.read", target=f"payout_file:{file.id}", change={}, now=now)
    merchants = [
        Line(payout.settlement_id, row.merchant_id, payout.amount_minor, bank_accounts.opened(session, row))
        for payout, row in found
    ]
    customers = [
        Line(row.id, None, row.amount_minor, account) for row, account in customer_payouts.of_file(session, file.id)
    ]
    return merchants + customers


def _payout(settlement: Settlement, file: PayoutFile, account: MerchantBankAccount) -> dict[str, Any]:
    return {
        "settlement_id": settlement.id,
        "file_id": file.id,
        "bank_account_id": account.id,
        "amount_minor": settlement.payout_minor,
    }


def _payable(session: Session, currency: str) -> Sequence[Settlement]:
    """The oldest that wait, but for those which nobody knows where to send: they would leave no room for the others."""
    query = select(Settlement).where(*_waiting(currency), _has_bank_account())
    return session.scalars(query.order_by(Settlement.id).limit(MOST)).all()


def _without_bank_account(session: Session, currency: str) -> Sequence[UUID]:
    query = select(Settlement.merchant_id).where(*_waiting(currency), ~_has_bank_account()).distinct()
    return session.scalars(query.order_by(Settlement.merchant_id).limit(MOST)).all()


def _waiting(currency: str) -> tuple[ColumnElement[bool], ...]:
    is_paid = select(Payout).where(Payout.settlement_id == Settlement.id).exists()
    return Settlement.currency == currency, Settlement.payout_minor > 0, ~is_paid


def _has_bank_account() -> ColumnElement[bool]:
    row = MerchantBankAccount
    its = (row.merchant_id == Settlement.merchant_id, row.currency == Settlement.currency)
    return select(row).where(*its, bank_accounts.holds()).exists()
