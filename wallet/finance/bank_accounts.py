"""Merchants' bank accounts: sealed under the merchant's own data key, checked before they are kept, and holding once a
second person has agreed."""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from auth import merchants
from auth.models import Approval
from core import audit, crypto, ids
from core.errors import NotFound
from core.settings import Settings
from wallet.assets import exponent_of
from wallet.errors import MerchantUnknown
from wallet.finance import bank_approvals
from wallet.finance.errors import BankAccountInvalid, BankAccountReplaced, DebtorMissing
from wallet.finance.settlement_models import MerchantBankAccount

_PLACE = "wallet.merchant_bank_account.details"

#: ISO 20022's external codes of the clearing systems that we write, with the form of a bank's number in each.
CLEARING_SYSTEMS = {"GBDSC": r"[0-9]{6}", "USABA": r"[0-9]{9}", "AUBSB": r"[0-9]{6}", "CACPA": r"[0-9]{9}"}

#: What payment files may hold everywhere.
#: source  SEPA Credit Transfer implementation guidelines, section 1.4 (Latin character set)
_LATIN = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]{1,70}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BankAccount:
    """An IBAN (with its bank's BIC, where wanted), or an account number with its bank's number in a clearing system."""

    holder: str
    iban: str | None = None
    bic: str | None = None
    account_number: str | None = None
    clearing_system: str | None = None
    clearing_code: str | None = None

    @property
    def number(self) -> str:
        return self.iban or self.account_number or ""


@dataclass(frozen=True, slots=True)
class Kept:
    """approval: the second person's word; None of one that was set before there had to be any."""

    row: MerchantBankAccount
    account: BankAccount
    approval: Approval | None = None


def set_(
    session: Session, *, merchant_id: UUID, currency: str, account: BankAccount, actor: str, now: datetime
) -> Kept:
    """Set where a merchant is paid once a second person agrees; until then, and in the files that it stands in, what
    held before holds.

    raises   MerchantUnknown, CurrencyUnknown; BankAccountInvalid that names the field
    effects  audited, without the numbers; announces approval.asked
    """
    exponent_of(currency)
    account = checked(account)
    if not merchants.known(session, [merchant_id]):
        raise MerchantUnknown
    crypto.create_data_keys(session, [merchant_id])
    row_id = ids.new()
    text = json.dumps(asdict(account))
    sealed = crypto.seal(session, owner_id=merchant_id, place=_PLACE, row_id=row_id, text=text)
    subject = {"merchant_id": str(merchant_id), "currency": currency, "bank_account_id": str(row_id)}
    approval = bank_approvals.ask(session, subject=subject, sealed=sealed, asked_by=actor, now=now)
    row = MerchantBankAccount(
        id=row_id, merchant_id=merchant_id, currency=currency, details=sealed, set_by=actor, set_at=now,
        approval_id=approval.id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    target, change = f"merchant:{merchant_id}", {"currency": currency, "bank_account_id": str(row_id)}
    audit.record(session, actor=actor, action="merchant.bank_account", target=target, change=change, now=now)
    return Kept(row, account, approval)


def decide(
    session: Session, bank_account_id: UUID, *, approve: bool, reason: str | None, decided_by: str, now: datetime
) -> Kept:
    """A second person's word on an account; with a yes its merchant is paid there from the next file on.

    raises   NotFound; BankAccountReplaced for a yes that would change nothing; what `bank_approvals.decide` raises;
             Erased
    """
    row = session.get(MerchantBankAccount, bank_account_id)
    if row is None or row.approval_id is None:
        raise NotFound
    holds_now = latest(session, [row.merchant_id], row.currency).get(row.merchant_id)
    if approve and holds_now is not None and holds_now.id > row.id and not _is_agreed(session, row):
        raise BankAccountReplaced(bank_account_id=str(holds_now.id))
    approval = bank_approvals.decide(
        session, row.approval_id, sealed=row.details, approve=approve, reason=reason, decided_by=decided_by,
        outcome={"bank_account_id": str(row.id)}, now=now,
    )  # fmt: skip
    return Kept(row, opened(session, row), approval)


def asked_last(session: Session, merchant_id: UUID, currency: str) -> Kept:
    """The account that was set last, whether or not somebody has agreed to it.

    raises  NotFound, Erased
    """
    query = select(MerchantBankAccount).where(
        MerchantBankAccount.merchant_id == merchant_id, MerchantBankAccount.currency == currency
    )
    row = session.scalars(query.order_by(MerchantBankAccount.id.desc()).limit(1)).one_or_none()
    if row is None:
        raise NotFound("This merchant has no bank account in this currency")
    return _kept(session, row)


def holding(session: Session, merchant_id: UUID, currency: str) -> Kept:
    """The account to which a merchant is paid now.

    raises  NotFound, Erased
    """
    row = latest(session, [merchant_id], currency).get(merchant_id)
    if row is None:
        raise NotFound("This merchant has no bank account in this currency")
    return _kept(session, row)


def holds() -> ColumnElement[bool]:
    """Whether a row's account was agreed to; those from before that was asked for hold as well."""
    return MerchantBankAccount.approval_id.is_(None) | bank_approvals.agreed(MerchantBankAccount.approval_id)


def latest(session: Session, merchant_ids: Iterable[UUID], currency: str) -> dict[UUID, MerchantBankAccount]:
    """The rows that hold now, still sealed; merchants without one are left out."""
    query = (
        select(MerchantBankAccount)
        .where(MerchantBankAccount.merchant_id.in_(set(merchant_ids)), MerchantBankAccount.currency == currency)
        .where(holds())
        .order_by(MerchantBankAccount.id)
    )
    return {row.merchant_id: row for row in session.scalars(query)}


def fetch_keys(session: Session, merchant_ids: Iterable[UUID]) -> None:
    """Bring many merchants' keys into the cache, before their accounts are opened."""
    crypto.fetch_data_keys(session, merchant_ids)


def opened(session: Session, row: MerchantBankAccount) -> BankAccount:
    """raises  Erased"""
    text = crypto.unseal(session, owner_id=row.merchant_id, place=_PLACE, row_id=row.id, ciphertext=row.details)
    return BankAccount(**json.loads(text))


def of_brand(settings: Settings) -> BankAccount:
    """The account that payouts leave, as the settings name it: an IBAN, or "USABA:<bank>:<account>".

    raises  DebtorMissing where it is not set, or not valid
    """
    system, _, rest = settings.payout_debtor_account.partition(":")
    code, _, number = rest.partition(":")
    account = (
        BankAccount(
            holder=settings.payout_debtor_name,
            bic=settings.payout_debtor_bic or None,
            account_number=number,
            clearing_system=system,
            clearing_code=code,
        )
        if rest
        else BankAccount(holder=settings.payout_debtor_name, bic=settings.payout_debtor_bic or None, iban=system)
    )
    try:
        return checked(account)
    except BankAccountInvalid as invalid:
        raise DebtorMissing from invalid


def checked(account: BankAccount) -> BankAccount:
    """The account in one spelling: without blanks, in capitals.

    raises  BankAccountInvalid
    """
    holder = " ".join(account.holder.split())
    if not _LATIN.fullmatch(holder):
        raise _invalid("/holder", "Must be 1 to 70 Latin letters, digits and / - ? : ( ) . , ' +")
    iban, bic, number = (_plain(each) for each in (account.iban, account.bic, account.account_number))
    code = _plain(account.clearing_code)
    if bic is not None and not re.fullmatch(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?", bic):
        raise _invalid("/bic", "Must be a BIC of 8 or 11 characters.")
    if iban is not None:
        if number is not None or code is not None or account.clearing_system is not None:
            raise _invalid("/iban", "Send either an IBAN or an account number.")
        if not is_iban(iban):
            raise _invalid("/iban", "Must be an IBAN with right check digits.")
        return BankAccount(holder=holder, iban=iban, bic=bic)
    if number is None or not re.fullmatch(r"[A-Z0-9]{4,34}", number):
        raise _invalid("/account_number", "Must be an account number of 4 to 34 letters and digits, or send an IBAN.")
    system = account.clearing_system or ""
    if system not in CLEARING_SYSTEMS:
        raise _invalid("/clearing_system", f"Must be one of {', '.join(CLEARING_SYSTEMS)}.")
    if code is None or not re.fullmatch(CLEARING_SYSTEMS[system], code):
        raise _invalid("/clearing_code", f"Must be the bank's number in {system}.")
    return BankAccount(holder=holder, bic=bic, account_number=number, clearing_system=system, clearing_code=code)


def is_iban(text: str) -> bool:
    """Whether the check digits of an IBAN in one spelling are right.

    source  ISO 13616 (the remainder by 97 is 1)
    """
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", text):
        return False
    digits = "".join(str(int(each, 36)) for each in text[4:] + text[:4])
    return int(digits) % 97 == 1


def _is_agreed(session: Session, row: MerchantBankAccount) -> bool:
    return session.get_one(Approval, row.approval_id).used_at is not None


def _kept(session: Session, row: MerchantBankAccount) -> Kept:
    approval = session.get_one(Approval, row.approval_id) if row.approval_id else None
    return Kept(row, opened(session, row), approval)


def _plain(text: str | None) -> str | None:
    return re.sub(r"[\s-]", "", text).upper() if text else None


def _invalid(pointer: str, detail: str) -> BankAccountInvalid:
    return BankAccountInvalid(errors=[{"pointer": pointer, "detail": detail}])
