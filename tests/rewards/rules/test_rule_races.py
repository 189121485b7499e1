"""Two of the staff at once: no rule vanishes under a campaign, and no two rules come to use each other."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from core.db import connection_of, transaction
from rewards.campaigns import catalogue
from rewards.rules import saved, uses
from rewards.rules.errors import RuleInUse, RuleInvalid
from tests.core.locks import until_somebody_waits
from tests.rewards.conftest import NOW, World

BIG = {"fact": "basket.total_minor", "is": "at_least", "value": 2000}
WHO: dict[str, Any] = {"actor": "staff:test", "now": NOW}


def rule(name: str, condition: dict[str, Any]) -> UUID:
    with transaction() as session:
        return saved.create(session, name=name, condition=condition, **WHO).id


def change(rule_id: UUID, condition: dict[str, Any]) -> None:
    with transaction() as session:
        saved.change(session, rule_id=rule_id, name="Changed", condition=condition, **WHO)


def remove(rule_id: UUID) -> None:
    with transaction() as session:
        saved.remove(session, rule_id=rule_id, **WHO)


def while_open(first: Callable[[Any], None], second: Callable[[], None]) -> Future[None]:
    """Do the second in another thread, let it wait for the first's transaction, and commit that one."""
    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            first(session)
            done = pool.submit(second)
            until_somebody_waits()
        done.exception(30)
        return done


def test_a_rule_that_a_campaign_takes_just_now_cannot_be_removed(world: World) -> None:
    rule_id, campaign_id = rule("Big", BIG), world.campaign()
    condition = {"rule": str(rule_id)}

    def take(session: Any) -> None:
        uses.known_to(connection_of(session), [condition], are_kept=True)
        uses.note_uses(session, campaign_id=campaign_id, condition=condition)

    done = while_open(take, lambda: remove(rule_id))

    assert isinstance(done.exception(), RuleInUse)
    assert world.rows("SELECT rule_id FROM rewards.rule_use") == [(rule_id,)]


def test_a_rule_that_is_removed_just_now_cannot_be_taken(world: World) -> None:
    rule_id, campaign_id = rule("Big", BIG), world.campaign()
    known: list[Any] = []

    def take() -> None:
        with transaction() as session:
            known.append(uses.known_to(connection_of(session), [{"rule": str(rule_id)}], are_kept=True))

    done = while_open(lambda session: _removed(session, rule_id), take)

    assert (done.exception(), known) == (None, [{}])
    with pytest.raises(RuleInUse), transaction() as session:  # who did not look before, the foreign key holds
        uses.note_uses(session, campaign_id=campaign_id, condition={"rule": str(rule_id)})


def _removed(session: Any, rule_id: UUID) -> None:
    saved.remove(session, rule_id=rule_id, **WHO)
    session.flush()


def test_two_changes_at_once_make_no_ring(world: World) -> None:
    one, two = rule("One", BIG), rule("Two", BIG)

    def first(session: Any) -> None:
        saved.change(session, rule_id=one, name="One", condition={"rule": str(two)}, **WHO)

    done = while_open(first, lambda: change(two, {"rule": str(one)}))

    refusal = done.exception()
    assert isinstance(refusal, RuleInvalid)
    assert "would use itself" in refusal.facts["errors"][0]["detail"]
    assert world.rows("SELECT rule_id, part_id FROM rewards.rule_part") == [(one, two)]


def test_a_campaign_that_takes_a_rule_while_it_changes_goes_by_the_changed_one(world: World) -> None:
    rule_id, campaign_id = rule("Big", BIG), world.campaign()
    condition = {"rule": str(rule_id)}

    def take(session: Any) -> None:
        changed = [Jsonb(condition), campaign_id]
        connection_of(session).execute("UPDATE rewards.campaign SET rule = %s WHERE id = %s", changed)
        uses.note_uses(session, campaign_id=campaign_id, condition=condition)
        catalogue.touch(session, [campaign_id])

    while_open(take, lambda: change(rule_id, BIG | {"value": 1})).result()

    assert world.rows("SELECT revision FROM rewards.campaign WHERE id = %s", campaign_id) == [(2,)]
