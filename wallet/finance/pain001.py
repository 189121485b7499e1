"""Payouts as files for the bank: ISO 20022's customer credit transfer, and a table for people.

Who has been erased since cannot be paid: the bank's file leaves them out of its transfers, their number and their sum;
the table has them without an account.

source  ISO 20022, pain.001.001.09 (CustomerCreditTransferInitiationV09); the tests hold it to the published schema
"""

from collections.abc import Sequence
from datetime import UTC
from decimal import Decimal
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement
from zoneinfo import ZoneInfo

from core import crypto
from wallet.assets import brand_time_zone, exponent_of
from wallet.documents import csv
from wallet.finance.bank_accounts import BankAccount
from wallet.finance.payout_files import Line
from wallet.finance.settlement_models import PayoutFile

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
CONTENT_TYPE = "application/xml"

_HEADER = (
    "payout_id", "merchant_id", "holder", "iban", "bic", "account_number", "clearing_system", "clearing_code",
    "amount", "currency", "amount_minor", "reference",
)  # fmt: skip


def as_xml(file: PayoutFile, lines: Sequence[Line], debtor: BankAccount) -> bytes:
    """The file for the bank, from the brand's account `debtor`, to be paid on the brand's day on which it was made.

    raises  Erased where nobody of it can be paid any more
    """
    payable = [(line, line.account) for line in lines if line.account is not None]
    if not payable:
        raise crypto.Erased
    count, control_sum = str(len(payable)), _decimal(sum(line.amount_minor for line, _ in payable), file.currency)
    document = Element("Document", xmlns=NAMESPACE)
    initiation = SubElement(document, "CstmrCdtTrfInitn")
    header = SubElement(initiation, "GrpHdr")
    _text(header, "MsgId", file.id.hex)
    _text(header, "CreDtTm", file.made_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    _text(header, "NbOfTxs", count)
    _text(header, "CtrlSum", control_sum)
    _text(SubElement(header, "InitgPty"), "Nm", debtor.holder)

    payment = SubElement(initiation, "PmtInf")
    _text(payment, "PmtInfId", file.id.hex)
    _text(payment, "PmtMtd", "TRF")
    _text(payment, "NbOfTxs", count)
    _text(payment, "CtrlSum", control_sum)
    day = file.made_at.astimezone(ZoneInfo(brand_time_zone())).date()
    _text(SubElement(payment, "ReqdExctnDt"), "Dt", day.isoformat())
    _text(SubElement(payment, "Dbtr"), "Nm", debtor.holder)
    _text(_account(payment, "DbtrAcct", debtor), "Ccy", file.currency)
    _agent(payment, "DbtrAgt", debtor)
    for line, account in payable:
        _transfer(payment, line, account, file.currency)
    ElementTree.indent(document)
    return bytes(ElementTree.tostring(document, encoding="utf-8", xml_declaration=True))


def as_csv(file: PayoutFile, lines: Sequence[Line]) -> bytes:
    """The same as a table, with the control sum in its last row."""
    rows: list[tuple[str | int | None, ...]] = [_row(line, file.currency) for line in lines]
    total = _decimal(file.control_sum_minor, file.currency)
    closing = ("control sum", *[None] * 7, total, file.currency, file.control_sum_minor, str(file.id))
    return csv.table(_HEADER, [*rows, closing])


def _transfer(payment: Element, line: Line, account: BankAccount, currency: str) -> None:
    transfer = SubElement(payment, "CdtTrfTxInf")
    _text(SubElement(transfer, "PmtId"), "EndToEndId", line.end_to_end_id)
    amount = _text(SubElement(transfer, "Amt"), "InstdAmt", _decimal(line.amount_minor, currency))
    amount.set("Ccy", currency)
    _agent(transfer, "CdtrAgt", account)
    _text(SubElement(transfer, "Cdtr"), "Nm", account.holder)
    _account(transfer, "CdtrAcct", account)
    _text(SubElement(transfer, "RmtInf"), "Ustrd", line.reference)


def _account(parent: Element, name: str, account: BankAccount) -> Element:
    element = SubElement(parent, name)
    identified = SubElement(element, "Id")
    if account.iban is not None:
        _text(identified, "IBAN", account.iban)
    else:
        _text(SubElement(identified, "Othr"), "Id", account.number)
    return element


def _agent(parent: Element, name: str, account: BankAccount) -> None:
    bank = SubElement(SubElement(parent, name), "FinInstnId")
    if account.bic is not None:
        _text(bank, "BICFI", account.bic)
    if account.clearing_system is not None and account.clearing_code is not None:
        member = SubElement(bank, "ClrSysMmbId")
        _text(SubElement(member, "ClrSysId"), "Cd", account.clearing_system)
        _text(member, "MmbId", account.clearing_code)
    if not len(bank):
        _text(SubElement(bank, "Othr"), "Id", "NOTPROVIDED")


def _text(parent: Element, name: str, text: str) -> Element:
    element = SubElement(parent, name)
    element.text = text
    return element


def _decimal(amount_minor: int, currency: str) -> str:
    return str(Decimal(amount_minor).scaleb(-exponent_of(currency)))


def _row(line: Line, currency: str) -> tuple[str | int | None, ...]:
    account = line.account or BankAccount(holder="")
    return (
        str(line.id),
        str(line.merchant_id) if line.merchant_id else None,
        csv.words(account.holder),
        account.iban,
        account.bic,
        account.account_number,
        account.clearing_system,
        account.clearing_code,
        _decimal(line.amount_minor, currency),
        currency,
        line.amount_minor,
        line.reference,
    )
