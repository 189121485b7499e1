"""The real campaigns simulated: what the simulations find is what the files hold, and what differs is named."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.demo import simulating, source, stage
from app.demo.source_campaigns import PastCampaign, past_campaigns
from app.demo.source_facts import facts
from app.demo.source_files import NOVEMBER, TIME_ZONE, YEAR, Files, Window
from core.db import connection_of, transaction
from tests.app.demo.replay import WINDOW, Stage


def test_each_campaign_of_the_days_was_simulated_as_the_files_have_it(theatre: Stage) -> None:
    past = past_campaigns(theatre.files, WINDOW)

    with transaction() as session:
        found = connection_of(session).execute(SIMULATED).fetchall()

    assert [row[0] for row in found] == [each.number for each in past] != []
    assert [tuple(row[1:]) for row in found] == [("draft", each.uses, each.cost_minor) for each in past]
    told = next(section for section in stage.told() if section.title == "The real campaigns, simulated")
    assert len(told.rows) == len(past) + 1


def test_check_names_the_campaign_whose_simulation_says_otherwise(theatre: Stage) -> None:
    more = "UPDATE rewards.simulation SET result = jsonb_set(result, '{uses}', to_jsonb((result->>'uses')::int + %s))"
    number = past_campaigns(theatre.files, WINDOW)[0].number

    with theatre.tampering() as cursor:
        cursor.execute(f"{more} WHERE id = (SELECT simulation_id FROM demo.simulated LIMIT 1)", [1])
    status, table = theatre.check()
    with theatre.tampering() as cursor:
        cursor.execute(f"{more} WHERE id = (SELECT simulation_id FROM demo.simulated LIMIT 1)", [-1])

    assert status == 1
    assert f"differs: campaign {number} has " in table
    assert "differs: baskets that each would be used with" in table
    assert theatre.check()[0] == 0


def test_check_names_the_coupon_that_took_a_cent_more(theatre: Stage) -> None:
    one_more = "UPDATE rewards.redemption SET amount_minor = amount_minor + %s WHERE id = %s"
    with transaction() as session:
        row = connection_of(session).execute(A_REDEMPTION).fetchone()
    assert row
    redemption_id, coupon, basket = row

    with theatre.tampering() as cursor:
        cursor.execute(one_more, [1, redemption_id])
    status, table = theatre.check()
    with theatre.tampering() as cursor:
        cursor.execute(one_more, [-1, redemption_id])

    assert status == 1
    assert f"differs: basket {basket} of household " in table
    assert f"coupon {coupon} took " in table
    assert "counters, vouchers and redemptions, derived again │            │      agree" not in table


def test_check_names_the_counter_that_holds_a_use_too_many(theatre: Stage) -> None:
    change = "UPDATE rewards.counter SET used = used + %s WHERE (campaign_id, scope, bucket) = (%s, 'total', '')"
    with transaction() as session:
        row = connection_of(session).execute("SELECT campaign_id FROM demo.offer LIMIT 1").fetchone()
    assert row

    with theatre.tampering() as cursor:
        cursor.execute(change, [1, row[0]])
    status, table = theatre.check()
    with theatre.tampering() as cursor:
        cursor.execute(change, [-1, row[0]])

    assert status == 1
    assert "differs: uses that the coupons' counters hold in all" in table
    assert f"counter total of campaign {row[0]}" in table


def test_the_years_campaigns_hold_all_its_redemptions(real_files: Files) -> None:
    past = past_campaigns(real_files, YEAR)

    assert [each.number for each in past] == list(range(1, 28))
    assert sum(each.redemptions for each in past) == 2_102
    assert sum(each.redeemed_minor for each in past) == 114_878
    assert sum(each.targets for each in past) == 6_589
    assert sum(each.redeemed_in - each.of_nothing + each.of_others for each in past) == sum(each.uses for each in past)


def test_novembers_campaigns_are_counted_by_hand(real_files: Files) -> None:
    scopes: dict[int, set[str]] = defaultdict(set)
    targets: dict[int, set[int]] = defaultdict(set)
    days = {}
    for pair in source.campaigns(real_files, NOVEMBER):
        scopes[pair.campaign_id] |= set(pair.skus)
        targets[pair.campaign_id] |= set(pair.targets)
        days[pair.campaign_id] = (pair.first_day, pair.last_day)
    redeemed = defaultdict(set)
    for each in source.redemptions(real_files, NOVEMBER):
        redeemed[each.campaign_id].add(each.basket_id)
    counted: dict[int, list[int]] = {number: [0, 0, 0, 0] for number in scopes}
    for basket in source.baskets(real_files, NOVEMBER):
        local = basket.occurred_at.astimezone(ZoneInfo(TIME_ZONE)).date()
        for number, (first, last) in days.items():
            lines = [line for line in basket.lines if line.sku in scopes[number]]
            if not first <= local <= last or basket.household_id not in targets[number] or not lines:
                continue
            worth = min(sum(line.coupon_disc_minor for line in lines), basket.total_minor)
            counted[number][0] += 1
            counted[number][1] += worth > 0
            counted[number][2] += worth
            counted[number][3] += worth > 0 and basket.basket_id in redeemed[number]

    found = {
        each.number: [each.fitting, each.uses, each.cost_minor, each.matched]
        for each in past_campaigns(real_files, NOVEMBER)
    }
    assert found == counted


SIMULATED = """
    SELECT d.campaign_number, c.state, (s.result->>'uses')::int, (s.result->'cost'->>'amount_minor')::int
      FROM demo.simulated d JOIN rewards.simulation s ON s.id = d.simulation_id
      JOIN rewards.campaign c ON c.id = s.campaign_id ORDER BY 1
"""

A_REDEMPTION = """
    SELECT r.id, o.campaign_number || '/' || o.coupon_upc, r.till_reference
      FROM rewards.redemption r JOIN demo.offer o USING (campaign_id) ORDER BY r.id LIMIT 1
"""


@pytest.mark.parametrize(
    ("first", "redeemed_in", "is_pupil"), [(40, 100, True), (39, 100, False), (40, 99, False), (31, 100, False)]
)
def test_a_campaign_is_foretold_by_one_that_had_ended_and_by_days_before_it(
    first: int, redeemed_in: int, is_pupil: bool
) -> None:
    """The teacher lasts to day 29, so it had ended by then; a campaign of 40 days needs as many before it."""
    window = Window(YEAR.first, YEAR.last)
    teacher = past(1, day(0), day(29), redeemed_in=100)
    pupil = past(2, day(first), day(first + 39), redeemed_in=redeemed_in)

    assert simulating.teacher_and_pupil([teacher, pupil], window) == ((teacher, pupil) if is_pupil else None)


def test_what_is_foretold_stands_beside_what_happened(theatre: Stage) -> None:
    scene = stage.scene()
    number = past_campaigns(theatre.files, WINDOW)[0].number
    teacher = past(number, date(2017, 7, 1), date(2017, 7, 8), redeemed_in=100)
    pupil = past(number, date(2017, 7, 11), date(2017, 7, 12), redeemed_in=123)

    told = simulating.forecast(scene, [teacher, pupil], YEAR, actor="staff:test", now=datetime(2017, 7, 20, tzinfo=UTC))

    assert told is not None
    shown = {row[0]: row[1:] for row in told.rows}
    assert shown["uses (baskets)"][1] == "123"
    with transaction() as session:
        query = "SELECT result FROM rewards.simulation ORDER BY id DESC LIMIT 2"
        results = [row[0] for row in connection_of(session).execute(query)]
    assert [each["baskets"] for each in results] == [facts(theatre.files, WINDOW).baskets] * 2
    assert shown["baskets that fit"][0] == f"{results[0]['qualifying']:,}"


def day(number: int) -> date:
    return YEAR.first + timedelta(days=number)


def past(number: int, first: date, last: date, *, redeemed_in: int) -> PastCampaign:
    return PastCampaign(
        number=number, kind="Type A", first=first, last=last, targets=1, skus=("1", "2"), fitting=10 * redeemed_in,
        uses=1, cost_minor=1, used_days=1, redemptions=redeemed_in, redeemed_in=redeemed_in,
        redeemed_minor=100 * redeemed_in, redeemed_days=1, matched=1,
    )  # fmt: skip
