"""Payout files as the bank reads them: held to ISO 20022's own schema."""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from xml.etree import ElementTree

import pytest
from xmlschema import XMLSchema, XMLSchemaValidationError

from core import ids
from wallet.finance import pain001
from wallet.finance.bank_accounts import BankAccount, checked
from wallet.finance.pain001 import NAMESPACE
from wallet.finance.payout_files import Line
from wallet.finance.settlement_models import PayoutFile

#: As iso20022.org publishes it.
SCHEMA = XMLSchema(str(files("sepaxml") / "schemas" / "pain.001.001.09.xsd"))

BERLIN = BankAccount(holder="Corner Shop GmbH", iban="DE89 3704 0044 0532 0130 00", bic="DEUTDEFF")
ACCOUNTS = [
    BERLIN,
    BankAccount(holder="L'epicerie (Lyon), no. 5 / A + B: 'x'-y?", iban="FR1420041010050500013M02606"),
    BankAccount(holder="N" * 70, iban="NO9386011117947", bic="DNBANOKKXXX"),
    BankAccount(holder="Corner", account_number="1234567", clearing_system="USABA", clearing_code="021000021"),
    BankAccount(holder="Corner", account_number="1" * 34, clearing_system="GBDSC", clearing_code="20-00-00"),
    BankAccount(holder="C", account_number="12-34", clearing_system="AUBSB", clearing_code="123456", bic="NATAAU33"),
    BankAccount(holder="C", account_number="ABCD", clearing_system="CACPA", clearing_code="000300002"),
]


def written(
    accounts: Sequence[BankAccount], *, debtor: BankAccount = BERLIN, currency: str = "USD", amount_minor: int = 1,
    made_at: datetime = datetime(2026, 11, 21, 3, 59, 59, 999_999, tzinfo=UTC),
) -> bytes:  # fmt: skip
    lines = [
        Line(ids.new(), None if place % 2 else ids.new(), amount_minor + place, checked(account))
        for place, account in enumerate(accounts)
    ]
    file = PayoutFile(
        id=ids.new(), currency=currency, payout_count=len(lines), made_by="staff:test", made_at=made_at,
        control_sum_minor=sum(line.amount_minor for line in lines),
    )  # fmt: skip
    return pain001.as_xml(file, lines, checked(debtor))


@pytest.mark.parametrize("debtor", ACCOUNTS, ids=range(len(ACCOUNTS)))
@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD"])
@pytest.mark.parametrize("amount_minor", [1, 1_000_000_000_000])
def test_file_is_what_the_schema_asks_for(debtor: BankAccount, currency: str, amount_minor: int) -> None:
    SCHEMA.validate(written(ACCOUNTS, debtor=debtor, currency=currency, amount_minor=amount_minor))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b"<PmtMtd>TRF</PmtMtd>", b"<PmtMtd>PAY</PmtMtd>"),
        (b"<PmtMtd>TRF</PmtMtd>", b""),
        (b"DEUTDEFF", b"DEUTDEF"),
        (b"pain.001.001.09", b"pain.001.001.03"),
    ],
)
def test_schema_refuses_what_is_wrong(right: bytes, wrong: bytes) -> None:
    good = written(ACCOUNTS)
    assert right in good

    with pytest.raises(XMLSchemaValidationError):
        SCHEMA.validate(good.replace(right, wrong))


@pytest.mark.parametrize(
    ("made_at", "day"),
    [
        (datetime(2026, 11, 21, 4, 59, 59, tzinfo=UTC), "2026-11-20"),
        (datetime(2026, 11, 21, 5, tzinfo=UTC), "2026-11-21"),
    ],
)
def test_file_is_paid_on_the_brands_day(made_at: datetime, day: str) -> None:
    document = ElementTree.fromstring(written([BERLIN], made_at=made_at))

    assert document.findtext(".//p:ReqdExctnDt/p:Dt", None, {"p": NAMESPACE}) == day
