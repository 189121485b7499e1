"""The safeguarding reconciliation: what customers are owed, what is held, and each difference by its name."""

from datetime import date, timedelta
from typing import Any

import pytest
from psycopg import Connection

from core import ids
from core.db import transaction
from core.errors import NotFound
from core.gateways.sandbox_payments import SandboxPayments
from tests.wallet.conftest import count
from tests.wallet.finance.books import CLOSE, NEXT_MORNING, NOON, Books, balance_line, cash, gift_card, report
from wallet import accounts
from wallet.accounts import Opening
from wallet.finance import provider_differences, provider_reports, report_files, safeguarding, safeguarding_reports
from wallet.finance.errors import DayNotOver, SafeguardingUnproven, SignedOff
from wallet.finance.safeguarding_reports import Reconciliation
from wallet.topups import refunds, requests
from wallet.topups.requests import TopupRequest

DAY = date(2026, 11, 20)
JUST_AFTER = CLOSE + timedelta(seconds=1)


@pytest.fixture
def books(connection: Connection) -> Books:
    return Books(connection)


def import_(*lines: str, reference: str = "day-1") -> None:
    file = report_files.read(report(*lines), "csv")
    provider_reports.import_(file, reference=reference, actor="staff:test", now=max(NEXT_MORNING, file.closed_at))


def reconcile(day: date = DAY, **more: Any) -> Reconciliation:
    with transaction() as session:
        return safeguarding.reconcile(session, day=day, actor="staff:test", now=more.get("now", NEXT_MORNING))


def listed(found: Reconciliation) -> list[tuple[str, str | None, int | None, int | None, bool]]:
    with transaction() as session:
        kept = safeguarding_reports.differences(session, found.report.id, after=None, limit=100)
    return [(each.kind, each.reference, each.ours_minor, each.theirs_minor, each.is_timing) for each in kept]


def figures(found: Reconciliation, currency: str = "USD") -> dict[str, int | None]:
    [figure] = [each for each in found.figures if each.currency == currency]
    names = ("cash", "gift_cards", "owed", "promotional", "debts", "merchants", "booked", "held")
    return {name: value for name in names if (value := getattr(figure, f"{name}_minor"))}


def test_books_that_agree_are_balanced(books: Books, connection: Connection) -> None:
    books.topup(cash(), 5000, reference="ch_1")
    import_("charge,ch_1,5000", balance_line(5000))

    found = reconcile()

    assert (found.report.status, found.report.as_of, found.report.run) == ("balanced", CLOSE, 1)
    assert figures(found) == {"cash": 5000, "owed": 5000, "booked": 5000, "held": 5000}
    assert listed(found) == []
    assert count(connection, "core.event WHERE name = 'safeguarding.completed'") == 1


def test_each_planted_difference_is_named(books: Books) -> None:
    ana = cash()
    for reference, amount_minor in (("ch_same", 100), ("ch_lost", 200), ("ch_other", 300)):
        books.topup(ana, amount_minor, reference=reference)
    import_("charge,ch_same,100", "charge,ch_other,330", "charge,ch_stray,40", "fee,ch_same,-3", balance_line(500))

    found = reconcile()

    assert found.report.status == "differences"
    assert found.report.difference_count == 5
    assert sorted(listed(found), key=str) == sorted(
        [
            ("ours_only", "ch_lost", 200, None, False),
            ("amount", "ch_other", 300, 330, False),
            ("theirs_only", "ch_stray", None, 40, False),
            ("theirs_only", "fee:ch_same", None, -3, False),
            ("closing_balance", None, 467, 500, False),
        ],
        key=str,
    )


def test_fee_that_is_booked_differs_no_more(books: Books) -> None:
    books.topup(cash(), 5000, reference="ch_1")
    fees, provider = accounts.of_brand("fees", "USD"), accounts.of_provider("USD")
    books.move(fees, provider, 175, reference="fee:ch_1")
    import_("charge,ch_1,5000", "fee,ch_1,-175", balance_line(4825))

    found = reconcile()

    assert listed(found) == []
    assert found.report.status == "differences", "the brand owes the fee to the safeguarded money"
    assert figures(found) == {"cash": 5000, "owed": 5000, "booked": 4825, "held": 4825}


def test_refund_stands_beside_its_charge_by_its_own_reference(books: Books) -> None:
    ana = cash()
    books.topup(ana, 5000, reference="ch_1")
    books.move(ana, accounts.of_provider("USD"), 2000, provider_reference="re_1")
    import_("charge,ch_1,5000", "refund,re_1,-2000", balance_line(3000))

    assert reconcile().report.status == "balanced"


def test_top_ups_and_their_refunds_are_known_by_the_provider_s_names(books: Books) -> None:
    gateway, customer_id = SandboxPayments(), ids.new()
    asked = [
        TopupRequest(
            principal="test", key=f"topup-{number}", fingerprint=b"", customer_id=customer_id, amount_minor=5000,
            currency="USD", source="sandbox_ok",
        )
        for number in range(2)
    ]  # fmt: skip
    one, two = (requests.take(each, gateway=gateway, now=NOON).topup for each in asked)
    refund = refunds.give(
        one.id, amount_minor=2000, principal="staff:a", key="refund", fingerprint=b"", gateway=gateway, now=NOON
    ).refund
    assert one.provider_reference and two.provider_reference and refund.provider_reference
    import_(
        f"charge,{one.provider_reference},5000",
        f"charge,{two.provider_reference},5000",
        f"refund,{refund.provider_reference},-2000",
        balance_line(8000),
    )

    found = reconcile()

    assert (listed(found), found.report.status) == ([], "balanced")


def test_dispute_that_was_won_back_is_no_difference(books: Books) -> None:
    ana, provider = cash(), accounts.of_provider("USD")
    books.topup(ana, 5000, reference="ch_1")
    books.move(ana, provider, 5000, kind="dispute", topup_id=str(ids.new()), dispute="dp_1")
    import_("charge,ch_1,5000", "dispute,dp_1,-5000", balance_line(0))
    lost = reconcile()
    books.move(provider, ana, 5000, kind="dispute", topup_id=str(ids.new()), dispute="dp_1")
    import_(
        f"dispute_reversal,dp_1,5000,USD,{JUST_AFTER.isoformat()}", balance_line(5000, at=JUST_AFTER), reference="2"
    )

    won = reconcile(DAY + timedelta(days=1), now=NEXT_MORNING + timedelta(days=1))

    assert (listed(lost), listed(won), won.report.status) == ([], [], "balanced")


def test_what_the_other_side_has_just_past_the_close_is_timing(books: Books) -> None:
    ana = cash()
    books.topup(ana, 100, reference="ch_late_there", at=NOON)
    books.topup(ana, 200, reference="ch_late_here", at=JUST_AFTER)
    import_("charge,ch_late_here,200", balance_line(200))
    late = f"charge,ch_late_there,100,USD,{JUST_AFTER.isoformat()}"
    import_(late, balance_line(300, at=CLOSE + timedelta(days=1)), reference="day-2")

    found = reconcile()

    assert listed(found) == [
        ("theirs_only", "ch_late_here", None, 200, True),
        ("ours_only", "ch_late_there", 100, None, True),
    ]
    assert found.report.status == "balanced"


def test_what_explains_itself_hides_nothing_else(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_differences, "MOST", 1)
    ana = cash()
    for reference, at in (("ch_late", NOON), ("ch_lost", NOON + timedelta(hours=1))):
        books.topup(ana, 100, reference=reference, at=at)
    books.move(accounts.of_provider("USD"), accounts.of_brand("fees", "USD"), 900, reference="own_money")
    import_("adjustment,own_money,900", balance_line(900))
    next_close = CLOSE + timedelta(days=1)
    import_(f"charge,ch_late,100,USD,{JUST_AFTER.isoformat()}", balance_line(1000, at=next_close), reference="day-2")

    found = reconcile(now=next_close)

    assert [each[1] for each in listed(found)] == ["ch_lost"]
    assert found.report.status == "differences"


@pytest.mark.parametrize(("minutes", "is_timing"), [(59, True), (60, False)])
def test_what_is_an_hour_old_is_in_transit_no_more(books: Books, minutes: int, is_timing: bool) -> None:
    books.topup(cash(), 100, reference="ch_1", at=CLOSE - timedelta(minutes=minutes))
    import_(balance_line(0))

    assert listed(reconcile()) == [("ours_only", "ch_1", 100, None, is_timing)]


def test_customers_are_owed_what_was_paid_for_alone(books: Books) -> None:
    ana, shop = cash(), accounts.of_merchant(ids.new(), "USD")
    given, bought, mixed = gift_card(), gift_card(), gift_card()
    budget = Opening(f"campaign:{ids.new()}", "budget", "USD", 0)
    books.topup(ana, 10_000, reference="ch_1")
    books.move(ana, shop, 1000)
    books.move(accounts.of_marketing("USD"), budget, 9000)
    books.move(budget, given, 2500, kind="voucher.issue")
    books.move(ana, bought, 4000)
    books.transfer([(budget, -3000), (ana, -2000), (mixed, 5000)])
    books.move(mixed, shop, 2499)
    books.move(accounts.debt(ids.new(), "USD"), accounts.of_brand("losses", "USD"), 333)

    found = reconcile()

    # Of the mixed card 2,501 are left, of which two fifths, 1,000.4, were paid for.
    assert figures(found) == {
        "cash": 3000, "gift_cards": 5001, "owed": 8001, "promotional": 4000, "debts": 333, "merchants": 3499,
        "booked": 10_000,
    }  # fmt: skip


def test_held_money_is_owed_and_points_stand_apart(books: Books, connection: Connection) -> None:
    ana = cash()
    books.topup(ana, 5000, reference="ch_1")
    connection.execute("SELECT set_config('wallet.posting', 'on', false)")
    connection.execute("UPDATE wallet.balance SET held = 4000 WHERE account_id = %s", [ana.id])
    connection.execute("SELECT set_config('wallet.posting', 'off', false)")
    books.move(accounts.of_brand("loyalty", "PTS"), Opening(ana.owner, "points", "PTS", 0), 70)

    found = reconcile()

    assert figures(found) == {"cash": 5000, "owed": 5000, "booked": 5000}
    assert figures(found, "PTS") == {"promotional": 70}


def test_without_the_provider_s_report_nothing_is_proven(books: Books) -> None:
    books.topup(cash(), 5000, reference="ch_1")

    found = reconcile()

    assert (found.report.status, found.report.provider_report_id, listed(found)) == ("no_report", None, [])
    with pytest.raises(SafeguardingUnproven), transaction() as session:
        safeguarding_reports.sign_off(session, found.report.id, reason="looks fine", actor="staff:a", now=NEXT_MORNING)


def test_shortfall_is_a_difference_though_all_lines_agree(books: Books) -> None:
    books.topup(cash(), 5000, reference="ch_1")
    books.move(accounts.of_brand("suspense", "USD"), cash(), 1)
    import_("charge,ch_1,5000", balance_line(5000))

    assert reconcile().report.status == "differences"


def test_currency_that_the_provider_forgot_is_short(books: Books) -> None:
    books.topup(cash("EUR"), 700, reference="ch_1")
    import_(balance_line(0))

    found = reconcile()

    assert listed(found) == [("ours_only", "ch_1", 700, None, False)]
    assert figures(found, "EUR") == {"cash": 700, "owed": 700, "booked": 700}


def test_day_run_again_is_kept_beside_the_first(books: Books, connection: Connection) -> None:
    books.topup(cash(), 5000, reference="ch_1")
    first = reconcile()
    import_("charge,ch_1,5000", balance_line(5000))

    second = reconcile()

    assert [(each.report.run, each.report.status) for each in (first, second)] == [(1, "no_report"), (2, "balanced")]
    with transaction() as session:
        assert [each.report.id for each in safeguarding_reports.page(session, before=None, limit=9)] == [
            second.report.id,
            first.report.id,
        ]


def test_what_was_found_cannot_be_changed(books: Books, connection: Connection) -> None:
    books.topup(cash(), 5000, reference="ch_1")
    import_(balance_line(0))
    found = reconcile()
    with transaction() as session:
        safeguarding_reports.sign_off(session, found.report.id, reason="known", actor="staff:a", now=NEXT_MORNING)

    for table in ("report", "figure", "difference", "sign_off"):
        with pytest.raises(Exception, match="written once"):
            connection.execute(f"DELETE FROM wallet.safeguarding_{table}")


def test_sign_off_is_one_persons_and_once(books: Books, connection: Connection) -> None:
    import_(balance_line(0))
    report_id = reconcile().report.id

    def sign(actor: str, reason: str) -> Reconciliation:
        with transaction() as session:
            return safeguarding_reports.sign_off(session, report_id, reason=reason, actor=actor, now=NEXT_MORNING)

    first, again = sign("staff:a", "checked"), sign("staff:a", "checked")

    assert first.sign_off and again.sign_off
    assert (again.sign_off.signed_by, again.sign_off.reason) == ("staff:a", "checked")
    for actor, reason in (("staff:b", "checked"), ("staff:a", "other words")):
        with pytest.raises(SignedOff):
            sign(actor, reason)
    assert count(connection, "core.event WHERE name = 'safeguarding.signed_off'") == 1


def test_day_can_be_reconciled_once_it_is_over(connection: Connection) -> None:
    with pytest.raises(DayNotOver):
        reconcile(now=CLOSE - timedelta(microseconds=1))
    assert reconcile(now=CLOSE).report.day == DAY
    with pytest.raises(DayNotOver):
        reconcile(date.max)


def runs() -> list[tuple[date, int, str]]:
    with transaction() as session:
        found = safeguarding_reports.page(session, before=None, limit=9)
    return [(each.report.day, each.report.run, each.report.status) for each in reversed(found)]


def test_schedule_reconciles_each_day_of_the_brand_once_it_is_over(connection: Connection) -> None:
    for now in (CLOSE - timedelta(minutes=1), CLOSE, CLOSE + timedelta(hours=1), CLOSE + timedelta(days=2)):
        safeguarding.reconcile_due(now)

    days = [DAY + timedelta(days=more) for more in (-1, 0, 1, 2)]
    assert runs() == [(day, 1, "no_report") for day in days]


def test_schedule_reconciles_the_last_day_again_once_its_report_has_come(connection: Connection) -> None:
    safeguarding.reconcile_due(CLOSE)
    import_(balance_line(0))
    for _ in range(2):
        safeguarding.reconcile_due(CLOSE + timedelta(hours=1))

    assert runs() == [(DAY, 1, "no_report"), (DAY, 2, "balanced")]


def test_schedule_makes_up_for_a_week_at_most(connection: Connection) -> None:
    safeguarding.reconcile_due(CLOSE)
    safeguarding.reconcile_due(CLOSE + timedelta(days=30))

    assert [day for day, _, _ in runs()[1:]] == [DAY + timedelta(days=30 - ago) for ago in range(6, -1, -1)]


def test_reconciliation_that_is_not_there_is_not_found(connection: Connection) -> None:
    with pytest.raises(NotFound), transaction() as session:
        safeguarding_reports.find(session, ids.new())
