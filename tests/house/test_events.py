"""Every event is read by someone, or says that it is only logged."""

from app import wiring
from core.events import every_event
from tests.house.test_errors import ROOMS, load_rooms


def ours() -> list[type]:
    load_rooms()
    return [kind for kind in every_event() if kind.__module__.split(".")[0] in ROOMS]


def test_every_event_has_a_reader_or_is_log_only() -> None:
    read = {name for reader in wiring.READERS for name in reader.names or ()}
    forgotten = [kind.name for kind in ours() if not kind.log_only and kind.name not in read]

    assert forgotten == []


def test_no_event_is_log_only_that_a_reader_wants() -> None:
    read = {name for reader in wiring.READERS for name in reader.names or ()}

    assert [kind.name for kind in ours() if kind.log_only and kind.name in read] == []


def test_readers_want_only_events_that_exist() -> None:
    announced = {kind.name for kind in ours()}

    assert [
        (r.name, sorted(set(r.names) - announced)) for r in wiring.READERS if r.names and set(r.names) - announced
    ] == []


def test_event_names_are_unique_past_facts() -> None:
    names = [kind.name for kind in ours()]

    assert len(names) == len(set(names))
    assert all(name.count(".") == 1 and name == name.lower() for name in names)


def test_line_names_on_the_wiring_page_are_unique() -> None:
    readers = [reader.name for reader in wiring.READERS]
    schedules = [line.name for line in wiring.SCHEDULE]

    assert len(readers) == len(set(readers))
    assert len(schedules) == len(set(schedules))


def test_readers_stay_behind_readers_that_wait_for_nobody() -> None:
    first = {reader.name for reader in wiring.READERS if reader.behind is None}

    assert {reader.behind for reader in wiring.READERS} <= {None, *first}
