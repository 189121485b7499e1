"""Ids: UUIDv7, in the order in which they were made."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from core import ids


def test_ids_sort_as_they_were_made() -> None:
    made = [ids.new(), *ids.block(5_000), ids.new()]

    assert made == sorted(made)
    assert len(set(made)) == 5_002
    assert {(each.version, each.variant) for each in made} == {(7, "specified in RFC 4122")}


def test_id_says_when_it_was_made() -> None:
    assert abs(ids.made_at(ids.new()) - datetime.now(UTC)) < timedelta(seconds=1)


def test_threads_never_make_the_same_id() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = [each for block in pool.map(lambda _: ids.block(500), range(40)) for each in block]

    assert len(set(made)) == 20_000
