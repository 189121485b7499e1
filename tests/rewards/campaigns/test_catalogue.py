"""The catalogue: what a transaction has changed itself is never kept, many changes are read beside the requests, and
who decides about money goes by the very revision."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from core.db import connection_of, statement, transaction
from rewards import campaigns, terms
from rewards.baskets import Basket
from rewards.campaigns import Draft, catalogue, versions
from rewards.campaigns.catalogue import Catalogue
from rewards.offers import shelf
from rewards.rules import Facts, saved
from tests.rewards.conftest import NOW, World, line

BIG = {"fact": "basket.total_minor", "is": "at_least", "value": 2_000}


class Undone(Exception):
    pass


@contextmanager
def undone() -> Iterator[Session]:
    """A transaction that comes to nothing."""
    with pytest.raises(Undone), transaction() as session:
        yield session
        raise Undone


def change(session: Session, campaign_id: UUID, **changes: Any) -> None:
    versions.change(session, campaign_id=campaign_id, changes=changes, actor="staff:test", now=NOW)


def known() -> Catalogue:
    with transaction() as session:
        return catalogue.current(connection_of(session))


def revision(of: Catalogue, campaign_id: UUID) -> int:
    compiled = of.of(campaign_id)
    assert compiled
    return compiled.terms.revision


def test_own_changes_are_seen_and_never_kept(world: World) -> None:
    campaign = world.campaign()
    before = known()

    with undone() as session:
        change(session, campaign, min_spend_minor=1)
        own = catalogue.current(connection_of(session))
        assert (revision(own, campaign), own.is_kept) == (2, False)
        assert revision(catalogue.current(connection_of(session)), campaign) == 2

    assert known() is before
    with transaction() as session:  # which is of the same version as what was undone
        change(session, campaign, min_spend_minor=2)
    compiled = known().of(campaign)
    assert compiled and (compiled.terms.min_spend_minor, compiled.terms.revision) == (2, 2)


def test_own_changes_are_known_as_such_on_both_sides_of_a_savepoint(world: World) -> None:
    campaign = world.campaign()
    before = known()

    with undone() as session:
        with session.begin_nested():
            change(session, campaign, min_spend_minor=1)
            assert not catalogue.current(connection_of(session)).is_kept
        with session.begin_nested():
            assert not catalogue.current(connection_of(session)).is_kept
        assert not catalogue.current(connection_of(session)).is_kept

    assert known() is before


def test_a_savepoint_that_was_undone_has_changed_nothing(world: World) -> None:
    campaign = world.campaign()
    known()

    with transaction() as session:
        inner = session.begin_nested()
        change(session, campaign, min_spend_minor=1)
        inner.rollback()
        assert catalogue.current(connection_of(session)).is_kept


def test_own_changes_are_on_nobody_elses_shelf(world: World) -> None:
    """A new campaign is found by its own transaction, and leaves the index of all others as it was."""
    basket = Basket((line(sku="tea"),))
    world.campaign(skus=["milk"])

    def found(session: Session) -> int:
        _, index = shelf.current(connection_of(session))
        return len(index.candidates(basket, store_id=None, audiences=()))

    with transaction() as session:
        assert found(session) == 0
    with undone() as session:
        made = drafted(session, skus=["tea"])
        assert found(session) == 1
    with transaction() as session:
        assert found(session) == 0
        assert catalogue.current(connection_of(session)).of(made) is None


def drafted(session: Session, **changes: Any) -> UUID:
    draft = Draft(
        name="Own",
        kind="coupon",
        discount={"kind": "amount", "amount_minor": 100},
        currency="USD",
        starts_at=NOW,
        ends_at=NOW + timedelta(days=1),
        starts_now=True,
        **changes,
    )
    return campaigns.create(session, draft, actor="staff:test", now=NOW)


def test_many_changes_are_read_beside_whoever_asks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks meanwhile gets what was known before, at once."""
    many = [world.campaign() for _ in range(3)]
    before = known()
    monkeypatch.setattr(catalogue, "MOST_AT_ONCE", 2)
    may_read, load = threading.Event(), terms.load
    with monkeypatch.context() as slow:

        def load_slowly(*given: Any) -> Any:
            may_read.wait(10)
            return load(*given)

        slow.setattr(terms, "load", load_slowly)
        with transaction() as session:
            for each in many:
                change(session, each, min_spend_minor=1)
        assert [known() is before for _ in range(3)] == [True] * 3
        reader = catalogue._reader
        assert reader is not None
        may_read.set()
        reader.join(10)

    assert [revision(known(), each) for each in many] == [2, 2, 2]


def test_the_shelf_is_brought_along_before_anybody_has_the_catalogue(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = world.campaign(skus=["tea"])
    basket = Basket((line(sku="coffee"),))
    with transaction() as session:
        shelf.current(connection_of(session))
    monkeypatch.setattr(catalogue, "MOST_AT_ONCE", 0)
    with transaction() as session:
        change(session, campaign, skus=["coffee"])
    known()
    joined()

    assert shelf._version == catalogue._latest.version
    assert shelf._index.candidates(basket, store_id=None, audiences=()) == {campaign}


def test_another_database_begins_with_nothing(world: World) -> None:
    """Whose version may be lower than that of the one before."""
    world.campaign()
    with transaction() as session:
        shelf.current(connection_of(session))

    catalogue.forget()

    assert (catalogue._latest.version, shelf._version, len(shelf._index)) == (-1, -1, 0)
    with transaction() as session:
        _, index = shelf.current(connection_of(session))
    assert len(index) == 1


def test_as_many_as_may_be_are_read_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    two = [world.campaign() for _ in range(2)]
    known()
    monkeypatch.setattr(catalogue, "MOST_AT_ONCE", 2)
    with transaction() as session:
        for each in two:
            change(session, each, min_spend_minor=1)

    assert [revision(known(), each) for each in two] == [2, 2]


def test_who_could_not_read_leaves_it_to_the_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = world.campaign()
    known()
    monkeypatch.setattr(catalogue, "MOST_AT_ONCE", 0)
    with transaction() as session:
        change(session, campaign, min_spend_minor=1)
    with monkeypatch.context() as failing:
        failing.setattr(catalogue, "compile_", lambda *_: 1 / 0)
        assert revision(known(), campaign) == 1
        joined()
    assert revision(known(), campaign) == 1
    joined()
    assert revision(known(), campaign) == 2


def joined() -> None:
    reader = catalogue._reader
    if reader is not None:
        reader.join(10)


def test_a_reader_that_comes_late_changes_nothing_any_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue was begun anew while it read."""
    campaign = world.campaign()
    known()
    monkeypatch.setattr(catalogue, "MOST_AT_ONCE", 0)
    with transaction() as session:
        change(session, campaign, min_spend_minor=1)
    may_read, load = threading.Event(), terms.load
    with monkeypatch.context() as slow:
        slow.setattr(terms, "load", lambda *given: (may_read.wait(10), load(*given))[1])
        known()
        reader = catalogue._reader
        assert reader is not None
        catalogue.forget()
        may_read.set()
        reader.join(10)

    assert catalogue._latest.version == -1
    assert revision(known(), campaign) == 2


def version_of(world: World, campaign_id: UUID) -> tuple[str, str, str]:
    query = "SELECT catalogue_version::text, revision::text, state FROM rewards.campaign WHERE id = %s"
    first, second, third = world.rows(query, campaign_id)[0]
    return str(first), str(second), str(third)


def test_terms_are_read_once_and_anew_when_they_change(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    running, draft = world.campaign(), world.campaign(starts_now=False)
    known()
    loaded: list[Any] = []
    load = terms.load
    monkeypatch.setattr(terms, "load", lambda *given: (loaded.append(given[1]), load(*given))[1])

    def at(campaign_id: UUID) -> int:
        with statement() as connection:
            return catalogue.terms_at(connection, campaign_id, version_of(world, campaign_id)).revision

    assert [at(running), at(running), loaded] == [1, 1, []]
    assert [at(draft), at(draft), loaded] == [1, 1, [[draft]]]
    with transaction() as session:
        change(session, running, min_spend_minor=1)
    loaded.clear()
    assert [at(running), at(running), loaded] == [2, 2, [[running]]]
    known()
    catalogue._terms.clear()
    loaded.clear()
    assert [at(running), loaded] == [2, []], "once the catalogue has them, it is they"


def test_terms_that_were_undone_are_not_found_again_by_their_version(world: World) -> None:
    campaign = world.campaign()

    with undone() as session:
        change(session, campaign, min_spend_minor=1)
        query = "SELECT catalogue_version::text, revision::text, state FROM rewards.campaign WHERE id = %s"
        connection = connection_of(session)
        row = connection.execute(query, [campaign]).fetchone()
        assert row
        undone_version = (row[0], row[1], row[2])
        assert catalogue.terms_at(connection, campaign, undone_version).min_spend_minor == 1
    with transaction() as session:
        change(session, campaign, min_spend_minor=2)

    assert version_of(world, campaign) == undone_version
    with statement() as connection:
        assert catalogue.terms_at(connection, campaign, undone_version).min_spend_minor == 2


def test_rules_are_those_of_the_very_revision(world: World) -> None:
    """Also where the catalogue knows an older one, or none."""
    campaign, draft = world.campaign(rule=BIG), world.campaign(rule=BIG, starts_now=False)
    known()
    with transaction() as session:
        older = terms.load_one(session, campaign)
        change(session, campaign, rule=BIG | {"value": 1})
        newer = terms.load_one(session, campaign)

    with statement() as connection:
        of_older = catalogue.rules_of(connection, [older])
        of_newer = catalogue.rules_of(connection, [newer])
        with transaction() as session:
            of_draft = catalogue.rules_of(connection, [terms.load_one(session, draft)])

    compiled = catalogue._latest.of(campaign)
    assert compiled and of_older[campaign] is compiled.rule
    assert of_newer[campaign] is not compiled.rule
    assert draft in of_draft


def test_rules_that_name_a_saved_one_follow_it(world: World) -> None:
    with transaction() as session:
        rule = saved.create(session, name="Big", condition=BIG, actor="staff:test", now=NOW).id
    campaign = world.campaign(rule={"rule": str(rule)})
    before = known().of(campaign)
    with transaction() as session:
        saved.change(session, rule_id=rule, name="Big", condition=BIG | {"value": 1}, actor="staff:test", now=NOW)
        now = terms.load_one(session, campaign)

    with statement() as connection:
        found = catalogue.rules_of(connection, [now])[campaign]

    assert before and before.rule
    assert (before.rule.explain(facts_of(1_000))["is_met"], found.explain(facts_of(1_000))["is_met"]) == (False, True)


def facts_of(amount_minor: int) -> Facts:
    return Facts(basket=Basket((line(amount_minor),)), at=NOW, currency="USD")
