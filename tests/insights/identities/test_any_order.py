"""Whatever order links, events and undoings come in, the profile is what a plain look over the log tells."""

from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from core import ids
from core.events import Event
from insights.identities import linking
from tests.insights.identities.linked import a_device, links_of, rebuild, undo
from tests.insights.log import a_customer, at, identify, play, profile, read, track

pytestmark = pytest.mark.usefixtures("database")

PEOPLE, SUBJECTS = 3, 3
Deed = tuple[str, int, int, int]
deeds = strategies.lists(
    strategies.tuples(
        strategies.sampled_from(["seen", "viewed", "link", "device", "own", "undo"]),
        strategies.integers(0, PEOPLE - 1),
        strategies.integers(0, SUBJECTS - 1),
        strategies.integers(-30, 30),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=strategies.lists(deeds, max_size=3))
def test_any_order_of_links_events_and_undoings_tells_what_the_log_tells(turns: list[list[Deed]]) -> None:
    people = [a_customer(f"+1212{ids.new().int % 10**7:07d}") for _ in range(PEOPLE)]
    names = [f"anonymous:{ids.new()}" for _ in range(SUBJECTS)]
    apart: set[tuple[int, int]] = set()
    done: list[Deed] = []
    for turn in turns:
        played = [(deed, event) for deed in turn if (event := _event(deed, people, names))]
        play(*[event for _, event in played])
        done += [deed for deed, _ in played]
        for _, person, subject, _ in [deed for deed in turn if deed[0] == "undo"]:
            for link in links_of(people[person]):
                if link.subject_id == names[subject] and link.status == "linked":
                    undo(link.id)
                    apart.add((person, subject))
    read()
    rebuild()

    for person, customer_id in enumerate(people):
        found = profile(customer_id)
        expected = _told(done, person, apart)
        assert (found.first_seen_at, found.last_seen_at, found.phase) == expected


def _event(deed: Deed, people: list[UUID], names: list[str]) -> Event | None:
    what, person, subject, minutes = deed
    if what in ("seen", "viewed"):
        return track(
            subject_id=names[subject], event="Product Viewed" if what == "viewed" else "Tried", minutes=minutes
        )
    if what == "link":
        return identify(people[person], subject_id=names[subject], minutes=minutes)
    if what == "device":
        return a_device(people[person], names[subject])
    return track(people[person], minutes=minutes) if what == "own" else None


def _told(done: list[Deed], person: int, apart: set[tuple[int, int]]) -> tuple[object, object, str]:
    """The profile as a plain look over the whole log tells it."""
    owners = [_owner(done, subject, apart) for subject in range(SUBJECTS)]
    minutes, is_considering = [-60], False
    for what, who, subject, minute in done:
        if what in ("own", "link") and who == person:
            minutes.append(minute)
        if what in ("seen", "viewed") and owners[subject] == person:
            minutes.append(minute)
            is_considering |= what == "viewed"
    return at(min(minutes)), at(max(minutes)), "consideration" if is_considering else "discovery"


def _owner(done: list[Deed], subject: int, apart: set[tuple[int, int]]) -> int | None:
    claims = [
        (0 if what == "device" else 1, 0 if what == "device" else minute, place, who)
        for place, (what, who, about, minute) in enumerate(done)
        if what in ("link", "device") and about == subject and (who, subject) not in apart
    ]
    best = min(claims, default=None)
    if best is None or len({claim[-1] for claim in _claimants_by(claims, best[0])}) >= linking.SHARED:
        return None
    return best[-1]


def _claimants_by(claims: list[tuple[int, int, int, int]], word: int) -> list[tuple[int, int, int, int]]:
    """The claims of customers whose best word is this one."""
    best = {who: min(claim[0] for claim in claims if claim[-1] == who) for *_, who in claims}
    return [claim for claim in claims if best[claim[-1]] == word]
