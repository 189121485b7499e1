"""Counters: used, given back; each to its cap and no further, in its own bucket."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from core.db import connection_of, transaction
from rewards import counters
from rewards.counters import Counted, CountedUse
from rewards.errors import LimitReached
from tests.core.locks import until_somebody_waits
from tests.rewards.conftest import World
from tests.rewards.redemption.test_once import asked, redeem


def named(campaign: UUID, *, scope: str = "total", measure: str = "uses", bucket: str = "") -> Counted:
    return (campaign, scope, measure, bucket)


def use(counted: Counted, *, add: int = 1, cap: int = 3) -> None:
    with transaction() as session:
        counters.use_all(connection_of(session), [CountedUse(counted, add, cap)])


def standing(world: World) -> list[tuple[object, ...]]:
    return world.rows("SELECT scope, measure, bucket, used, cap FROM rewards.counter ORDER BY 1, 2, 3")


def test_uses_reach_the_cap_and_do_not_pass_it(world: World) -> None:
    total = named(world.campaign())

    use(total, add=2)
    use(total)
    with pytest.raises(LimitReached):
        use(total)

    assert standing(world) == [("total", "uses", "", 3, 3)]


def test_first_use_over_the_cap_makes_no_counter(world: World) -> None:
    with pytest.raises(LimitReached):
        use(named(world.campaign()), add=4)

    assert standing(world) == []


def test_uses_of_one_counter_in_one_call_are_counted_together(world: World) -> None:
    total = named(world.campaign())

    with pytest.raises(LimitReached), transaction() as session:
        counters.use_all(connection_of(session), [CountedUse(total, 2, 3), CountedUse(total, 2, 3)])

    assert standing(world) == []


def test_one_full_counter_refuses_all_of_them(world: World) -> None:
    campaign = world.campaign()
    total, day = named(campaign), named(campaign, scope="store:1", measure="amount", bucket="2026-05-04")
    use(day, add=500, cap=500)

    with pytest.raises(LimitReached), transaction() as session:
        counters.use_all(connection_of(session), [CountedUse(total, 1, 9), CountedUse(day, 1, 500)])

    assert standing(world) == [("store:1", "amount", "2026-05-04", 500, 500)]


def test_new_cap_holds_from_the_next_use_on(world: World) -> None:
    total = named(world.campaign())
    use(total, cap=1)

    use(total, cap=2)
    with pytest.raises(LimitReached):
        use(total, cap=1)

    assert standing(world) == [("total", "uses", "", 2, 2)]


def test_lock_tells_what_is_left_of_the_cap_that_is_asked_for(world: World) -> None:
    total = named(world.campaign())
    use(total, cap=3)

    with transaction() as session:
        connection = connection_of(session)
        raised = counters.lock(connection, {total: 5})
        lowered = counters.lock(connection, {total: 0})
        counters.add(connection, {total: 4})

    assert (raised, lowered) == ({total: 4}, {total: -1})
    assert standing(world) == [("total", "uses", "", 5, 5)]


def test_rollback_returns_to_the_very_bucket(world: World) -> None:
    campaign = world.campaign()
    yesterday, today = (named(campaign, bucket=day) for day in ("2026-05-03", "2026-05-04"))
    for bucket in (yesterday, today):
        use(bucket)

    with transaction() as session:
        counters.give_back(connection_of(session), [(yesterday, 1)])

    assert [(row[2], row[3]) for row in standing(world)] == [("2026-05-03", 0), ("2026-05-04", 1)]


def test_redemption_that_waits_for_one_counter_holds_none_that_comes_after_it(world: World) -> None:
    limits = ({"scope": "store", "measure": "uses", "period": "ever", "most": 9},)
    code = world.voucher(world.campaign(limit_total=9, limits=limits), None).code
    redeem(asked(world, code))

    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:  # as a checkout, which locks the store's counter before the campaign's
            connection = connection_of(session)
            connection.execute("SELECT FROM rewards.counter WHERE scope <> 'total' FOR UPDATE")
            redeemed = pool.submit(redeem, asked(world, code, till_reference="R-2"))
            until_somebody_waits()
            connection.execute("SELECT FROM rewards.counter WHERE scope = 'total' FOR UPDATE NOWAIT")
        redeemed.result(30)

    assert {row[3] for row in standing(world)} == {2}
