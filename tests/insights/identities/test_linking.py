"""Whose an anonymous subject is: by the best claim, undone for good, and the profile as the log tells it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest

from auth import devices
from connect import events as outside
from core import db, ids
from core.errors import NotFound
from core.events import Event
from insights.identities import linking
from insights.identities.errors import UndoTooLate
from insights.profiles import rebuilding, rebuilds
from tests.connect.people import logged
from tests.core.log import wait_for_the_horizon
from tests.insights.identities.linked import a_device, links_of, rebuild, undo
from tests.insights.log import (
    NOON,
    a_customer,
    campaign,
    identify,
    order,
    play,
    profile,
    read,
    refund,
    sources,
    track,
    write,
)

pytestmark = pytest.mark.usefixtures("database")
VISITOR = "anonymous:1"


def waiting() -> int:
    with db.transaction() as session:
        row = db.connection_of(session).execute("SELECT count(*) FROM insights.rebuild").fetchone()
        return int(row[0]) if row else 0


def test_a_link_tells_its_evidence_and_is_announced() -> None:
    customer_id = a_customer()

    play(identify(customer_id, subject_id=VISITOR))

    [link] = links_of(customer_id)
    assert (link.evidence, link.status, link.undo_until) == ("client", "linked", NOON + timedelta(days=30))
    [event] = [event for event in logged(ours=True) if event["name"] == "identity.linked"]
    assert (event["customer_id"], event["subject_id"]) == (customer_id, VISITOR)
    assert event["payload"] == {"link_id": str(link.id), "evidence": "client"}


def test_the_same_claim_again_links_nothing_anew() -> None:
    customer_id = a_customer()

    play(identify(customer_id, subject_id=VISITOR))
    play(*[identify(customer_id, subject_id=VISITOR, minutes=n) for n in range(3)])

    assert len(links_of(customer_id)) == 1


def test_the_earlier_of_two_equal_claims_wins_though_it_comes_in_later() -> None:
    first, second = a_customer(), a_customer("+12125550143")
    play(track(subject_id=VISITOR, event="Product Viewed"))

    play(identify(second, subject_id=VISITOR, minutes=2))
    assert profile(second).phase == "consideration"
    play(identify(first, subject_id=VISITOR, minutes=1))
    rebuild()

    assert (profile(first).phase, profile(second).phase) == ("consideration", "discovery")
    assert [(link.status, link.undone_by) for link in links_of(second)] == [("undone", "a better claim")]


def test_an_installation_that_was_signed_in_goes_before_what_a_client_says() -> None:
    first, second = a_customer(), a_customer("+12125550143")
    play(identify(first, subject_id=VISITOR, minutes=-5))

    play(a_device(second, VISITOR))

    assert [link.status for link in links_of(first)] == ["undone"]
    assert [(link.status, link.evidence) for link in links_of(second)] == [("linked", "device")]


def test_a_device_that_three_customers_claim_is_nobodys() -> None:
    people = [a_customer(f"+1212555{100 + n:04d}") for n in range(3)]
    play(track(subject_id=VISITOR, event="Product Viewed"))

    play(*[identify(person, subject_id=VISITOR) for person in people[:2]])
    assert [profile(person).phase for person in people] == ["consideration", "discovery", "discovery"]
    play(identify(people[2], subject_id=VISITOR))
    play(track(subject_id=VISITOR, event="Product Added", minutes=9))
    rebuild()

    assert [profile(person).phase for person in people] == ["discovery"] * 3
    assert [(link.status, link.undone_by) for link in links_of(people[0])] == [("undone", "shared")]


@pytest.mark.parametrize("is_first", [True, False])
def test_what_clients_say_ends_no_link_by_a_better_word(is_first: bool) -> None:
    """Whoever has the key out of an app, and three customers' ids, says what they like of a device."""
    owner, *people = [a_customer(f"+1212555{100 + n:04d}") for n in range(linking.CLAIMS + 3)]
    lies = [identify(person, subject_id=VISITOR, minutes=-9) for person in people]
    play(track(subject_id=VISITOR, event="Product Viewed"))

    for events in [[a_device(owner, VISITOR)], lies] if is_first else [lies, [a_device(owner, VISITOR)]]:
        play(*events)
    rebuild()

    assert profile(owner).phase == "consideration"
    assert [(link.status, link.evidence) for link in links_of(owner)] == [("linked", "device")]
    assert [link for person in people for link in links_of(person) if link.status == "linked"] == []


def test_three_words_of_servers_share_a_device_however_they_know_the_customers() -> None:
    people = [a_customer(f"+1212555{100 + n:04d}") for n in range(3)]

    play(*[known(person, VISITOR, by) for person, by in zip(people, ("phone", "email", "server"), strict=True)])

    assert [link.status for person in people for link in links_of(person)] in ([], ["undone"])


def test_two_that_were_signed_in_do_not_share_a_device_with_whom_clients_name() -> None:
    """At the boundary: a third one who was signed in would."""
    people = [a_customer(f"+1212555{100 + n:04d}") for n in range(3)]
    play(*[a_device(person, VISITOR) for person in people[:2]], identify(people[2], subject_id=VISITOR))
    before = [link.status for person in people for link in links_of(person)]

    play(a_device(people[2], VISITOR))

    assert before.count("linked") == 1
    assert [link.status for person in people for link in links_of(person)].count("linked") == 0


def test_of_claims_that_come_at_once_the_best_word_is_heard_whichever_worker_has_it() -> None:
    owner, *people = [a_customer(f"+1212555{100 + n:04d}") for n in range(9)]
    names = [f"anonymous:{n}" for n in range(20)]
    write(*[identify(person, subject_id=name, minutes=-9) for name in names for person in people])
    write(*[a_device(owner, name) for name in names])

    wait_for_the_horizon()
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(lambda _: read(), range(4)))

    assert [link.status for link in links_of(owner) if link.status == "linked"] == ["linked"] * len(names)
    assert [link for person in people for link in links_of(person) if link.status == "linked"] == []


def known(customer_id: UUID, subject_id: str, by: str) -> Event:
    """A server says who a visitor is, and by what it knows that."""
    content = {"type": "identify", "traits": {}, "context": {}, "known_by": by}
    return outside.made(
        type_="identify", content=content, customer_id=customer_id, subject_id=subject_id, occurred_at=NOON
    )


def test_of_a_device_that_a_whole_town_shares_no_more_than_twenty_claims_are_kept() -> None:
    people = [a_customer(f"+1212555{100 + n:04d}") for n in range(linking.CLAIMS + 5)]

    for person in people:
        play(identify(person, subject_id=VISITOR))

    with db.transaction() as session:
        rows = db.connection_of(session).execute("SELECT count(*) FROM insights.subject_claim").fetchall()
    assert rows == [(linking.CLAIMS,)]
    assert [link.status for person in people for link in links_of(person)] == ["undone"]


def test_more_than_fifty_subjects_are_not_one_customer() -> None:
    customer_id = a_customer()

    play(*[identify(customer_id, subject_id=f"anonymous:{n}") for n in range(linking.SUBJECTS + 1)])

    assert len(links_of(customer_id)) == linking.SUBJECTS


def test_undone_in_time_the_profile_is_as_if_they_had_never_been_linked() -> None:
    customer_id = a_customer()
    play(
        order(customer_id, total_minor=1_000, minutes=1),
        refund(customer_id, amount_minor=100, minutes=2),
        track(customer_id, context=campaign("billboard"), minutes=3),
    )
    before = profile(customer_id)
    play(track(subject_id=VISITOR, event="Product Viewed", context=campaign("newsletter"), minutes=-90))
    play(identify(customer_id, subject_id=VISITOR, minutes=3))
    assert sources([profile(customer_id)]) == ["newsletter"]

    [link] = links_of(customer_id)
    undone = undo(link.id, days=29)
    rebuild()

    assert (undone.status, undone.undone_by) == ("undone", "staff:test")
    assert profile(customer_id) == before
    assert waiting() == 0


def test_what_was_undone_is_never_linked_again_by_an_event() -> None:
    customer_id = a_customer()
    play(identify(customer_id, subject_id=VISITOR))
    undo(links_of(customer_id)[0].id)

    play(identify(customer_id, subject_id=VISITOR, minutes=1), a_device(customer_id, VISITOR))
    play(track(subject_id=VISITOR, event="Product Viewed"))
    rebuild()

    assert [link.status for link in links_of(customer_id)] == ["undone"]
    assert profile(customer_id).phase == "discovery"


def test_undone_again_it_stays_as_it_was() -> None:
    customer_id = a_customer()
    play(identify(customer_id, subject_id=VISITOR))
    [link] = links_of(customer_id)

    first = undo(link.id)

    assert undo(link.id, days=50) == first
    assert [event["name"] for event in logged(ours=True)].count("identity.undone") == 1


def test_a_link_can_be_undone_for_thirty_days_and_not_longer() -> None:
    customer_id = a_customer()
    play(identify(customer_id, subject_id=VISITOR))
    [link] = links_of(customer_id)

    with pytest.raises(UndoTooLate):
        undo(link.id, days=30)

    assert [each.status for each in links_of(customer_id)] == ["linked"]


def test_a_link_that_is_not_cannot_be_undone() -> None:
    with pytest.raises(NotFound):
        undo(ids.new())


def test_the_next_best_claim_gets_what_was_undone() -> None:
    first, second = a_customer(), a_customer("+12125550143")
    play(track(subject_id=VISITOR, event="Product Viewed"))
    play(identify(first, subject_id=VISITOR, minutes=1), identify(second, subject_id=VISITOR, minutes=2))

    undo(links_of(first)[0].id)
    rebuild()

    assert (profile(first).phase, profile(second).phase) == ("discovery", "consideration")


def test_a_profile_is_not_rebuilt_while_its_events_are_parked() -> None:
    customer_id = a_customer()
    play(identify(customer_id, subject_id=VISITOR))
    undo(links_of(customer_id)[0].id)
    with db.transaction() as session:
        db.connection_of(session).execute(
            "INSERT INTO core.reader_parked (reader, event_id, subject, parked_at)"
            " SELECT 'insights.profiles', id, %s, now() FROM core.event WHERE name = 'outside.identify'",
            [str(customer_id)],
        )

    assert rebuilding.rebuild_due(NOON) == 1
    assert rebuilding.rebuild_due(NOON) == 0  # put off

    assert waiting() == 1


def test_a_rebuild_that_was_asked_for_anew_while_it_ran_runs_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folded by the first, linked to somebody else meanwhile, told by the second."""
    customer_id = a_customer()
    play(identify(customer_id, subject_id=VISITOR), track(subject_id=VISITOR, event="Product Viewed"))
    with db.transaction() as session:
        rebuilds.ask(session, customer_id, now=NOON)
    past = rebuilding._past

    def meanwhile(*args: object, **more: object) -> object:
        if len(links_of(customer_id)) == 1 and links_of(customer_id)[0].status == "linked":
            undo(links_of(customer_id)[0].id)
        return past(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(rebuilding, "_past", meanwhile)
    rebuild()

    assert profile(customer_id).phase == "discovery"
    assert waiting() == 0


def test_the_app_says_whom_its_installation_was_before_it_was_signed_in() -> None:
    customer_id = a_customer()
    for _ in range(2):
        with db.transaction() as session:
            devices.put(
                session, customer_id=customer_id, device_id="d-1", platform="ios", push_token=None, app_version=None,
                locale=None, anonymous_id="a-123", now=NOON,
            )  # fmt: skip

    play()

    assert [link.evidence for link in links_of(customer_id)] == ["device"]
    assert [event["name"] for event in logged(ours=True)].count("device.registered") == 1
