"""The merchant is settled: who paid, what went back, what it costs, and the file by which the bank pays the rest."""

from datetime import datetime
from pathlib import Path
from uuid import UUID

from app.demo.shops import MERCHANT
from app.demo.stage import Scene
from app.demo.telling import Section, money
from core.db import transaction
from core.settings import Settings
from wallet.finance import bank_accounts, merchant_terms, pain001, payout_files, settlements
from wallet.finance.bank_accounts import BankAccount
from wallet.finance.errors import DebtorMissing
from wallet.finance.settlement_rows import Closed
from wallet.finance.settlement_statements import SOURCES

FEE_BPS = 150
FEE_FIXED_MINOR = 10

#: Where the merchant's word for it would not tell it from the other sources.
_NAMES = {"customers": "customers' cash"}

# Made up, as the whole merchant is: no bank has these numbers.
_BANK = {"clearing_system": "USABA", "clearing_code": "000000000"}
_MERCHANTS = BankAccount(holder=MERCHANT, account_number="0000000001", **_BANK)
_BRANDS = BankAccount(holder="Pocketful", account_number="0000000002", **_BANK)


def agree(merchant_id: UUID, *, currency: str, actor: str, now: datetime) -> None:
    """What the merchant pays for each payment from now on, and where it is paid itself."""
    with transaction() as session:
        merchant_terms.set_(
            session,
            merchant_id=merchant_id,
            currency=currency,
            fee_bps=FEE_BPS,
            fee_fixed_minor=FEE_FIXED_MINOR,
            reason="as agreed for the demo",
            actor=actor,
            now=now,
        )
        kept = bank_accounts.set_(
            session, merchant_id=merchant_id, currency=currency, account=_MERCHANTS, actor=actor, now=now
        )
        second = f"{actor}:second"
        bank_accounts.decide(session, kept.row.id, approve=True, reason=None, decided_by=second, now=now)


def play(scene: Scene, settings: Settings, *, folder: Path, actor: str, until: datetime, now: datetime) -> Section:
    """Settle all that happened before `until`, and write the payout file."""
    with transaction() as session:
        run = settlements.close(session, until=until, merchant_id=scene.merchant_id, actor=actor, now=now)
    closed = run.closed[0]
    with transaction() as session:
        made = payout_files.make(session, currency=scene.currency, actor=actor, now=now)
        lines = payout_files.lines(session, made.row, actor=actor, now=now)
    file = folder / "payout.xml"
    file.write_bytes(pain001.as_xml(made.row, lines, _debtor(settings)))
    return _told(closed, file)


def _debtor(settings: Settings) -> BankAccount:
    try:
        return bank_accounts.of_brand(settings)
    except DebtorMissing:
        return _BRANDS


def _told(closed: Closed, file: Path) -> Section:
    row = closed.row
    rows = []
    for source, name in SOURCES.items():
        funded = [each for each in closed.fundings if each.source == source]
        if funded:
            paid, back = sum(each.paid for each in funded), sum(each.refunded for each in funded)
            rows.append((f"by {_NAMES.get(source, name.lower())}", money(paid), money(back), money(paid - back)))
    earned = row.gross_minor + row.tips_minor
    rest = money(earned - row.refunds_minor)
    rows += [
        (f"{row.payment_count:,} payments, {row.refund_count} refunds", money(earned), money(row.refunds_minor), rest),
        (f"fees: {FEE_BPS / 100:.2f} % and {money(FEE_FIXED_MINOR)} a payment", "", "", money(-row.fees_minor)),
        ("paid out", "", "", money(row.payout_minor)),
    ]
    return Section(
        title="The merchant's settlement",
        words=f"{MERCHANT} is settled for everything up to now, the basket above included.",
        headings=("", "paid", "given back", "rest"),
        rows=rows,
        sums=3,
        notes=(f"The bank's payment file (ISO 20022, made-up account numbers): {file}",),
    )
