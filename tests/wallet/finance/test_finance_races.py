"""Two who do the same at once: one report, one run of a day at a time, each payout in one file."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from psycopg import Connection

from core.db import transaction
from core.errors import Refusal
from tests.wallet.conftest import count
from tests.wallet.finance.books import NEXT_MORNING, Books, add_merchant, balance_line, report
from tests.wallet.finance.test_safeguarding import DAY
from tests.wallet.finance.test_settlements import pay, settle
from wallet.finance import bank_accounts, payout_files, provider_reports, report_files, safeguarding
from wallet.finance.bank_accounts import BankAccount

TWINS = 4


def at_once(deed: Callable[[], object]) -> list[str]:
    """What became of each twin: "done", or the code of its refusal."""
    ready = Barrier(TWINS)

    def twin() -> str:
        ready.wait(timeout=10)
        try:
            deed()
        except Refusal as refusal:
            return refusal.code
        return "done"

    with ThreadPoolExecutor(TWINS) as pool:
        return sorted(future.result() for future in [pool.submit(twin) for _ in range(TWINS)])


def test_report_imported_by_many_at_once_is_kept_once(connection: Connection) -> None:
    file = report_files.read(report(*(f"charge,ch_{number},1" for number in range(500)), balance_line(500)), "csv")

    outcomes = at_once(lambda: provider_reports.import_(file, reference="day-1", actor="staff:test", now=NEXT_MORNING))
    imported = provider_reports.import_(file, reference="day-1", actor="staff:test", now=NEXT_MORNING)

    # Who begins last takes over; the others are told that, and may ask again.
    refused = {"report_under_way", "report_reference_taken", "report_imported", "report_line_imported", "not_found"}
    assert set(outcomes) <= {"done"} | refused
    assert imported.report.is_complete
    assert count(connection, "wallet.provider_report") == 1
    assert count(connection, "wallet.provider_line") == 500


def test_day_reconciled_by_many_at_once_has_one_row_for_each_run(connection: Connection) -> None:
    def reconcile() -> None:
        with transaction() as session:
            safeguarding.reconcile(session, day=DAY, actor="staff:test", now=NEXT_MORNING)

    outcomes = at_once(reconcile)

    assert set(outcomes) <= {"done", "safeguarding_under_way", "busy"}
    assert count(connection, "wallet.safeguarding_report") == outcomes.count("done") >= 1
    assert connection.execute("SELECT max(run) FROM wallet.safeguarding_report").fetchone() == (outcomes.count("done"),)


def test_payouts_that_many_want_in_a_file_are_in_one(connection: Connection) -> None:
    shop = add_merchant()
    pay(Books(connection), shop, 500)
    settle()
    with transaction() as session:
        account = BankAccount(holder="Corner Shop", iban="DE89370400440532013000")
        kept = bank_accounts.set_(
            session, merchant_id=shop, currency="USD", account=account, actor="staff:test", now=NEXT_MORNING
        )
        bank_accounts.decide(
            session, kept.row.id, approve=True, reason=None, decided_by="staff:second", now=NEXT_MORNING
        )

    def make() -> None:
        with transaction() as session:
            payout_files.make(session, currency="USD", actor="staff:test", now=NEXT_MORNING)

    outcomes = at_once(make)

    assert outcomes.count("done") == 1
    assert set(outcomes) <= {"done", "payout_under_way", "nothing_to_pay_out"}
    assert (count(connection, "wallet.payout_file"), count(connection, "wallet.payout")) == (1, 1)
