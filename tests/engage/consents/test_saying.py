"""Consent per channel and purpose: what holds, and all that was ever said, with its source, its words and its time."""

import threading
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from auth.models import Customer
from core import ids
from core.db import connection_of, transaction
from core.delivery.models import Message
from core.web.principals import Principal
from engage import consents
from engage.consents import Said, preferences, records, stopping, wordings
from engage.consents.errors import WordingUnknown
from engage.consents.models import Consent, ConsentRecord, Wording
from engage.contacting import policy
from tests.engage.conftest import START, Open, Scene, journey, say
from tests.engage.contacting.test_caps import counts

WORDS = {"channel": "sms", "purpose": "marketing", "locale": "en", "text": "Yes, text me offers."}


def put(customer_id: UUID, granted: bool, **more: Any) -> Consent:
    with transaction() as session:
        said = Said(customer_id, more.pop("channel", "sms"), "marketing", granted)
        return consents.put(session, said, **{"source": "app", "now": START, **more})


def wording(**more: str) -> Wording:
    with transaction() as session:
        return wordings.add(session, **{**WORDS, **more}, actor="staff:test", now=START)


def history(customer_id: UUID) -> list[ConsentRecord]:
    """The oldest first."""
    with transaction() as session:
        return list(reversed(records.of(session, customer_id, before=None, limit=100)))


def changes() -> list[dict[str, Any]]:
    with transaction() as session:
        query = "SELECT payload FROM core.event WHERE name = 'consent.changed' ORDER BY seq"
        return [row[0] for row in connection_of(session).execute(query)]


def test_consent_per_channel_and_purpose_with_source_and_time(scene: Scene) -> None:
    customer_id, asked = scene.customer(consent=[]), wording()

    put(customer_id, True, wording_id=asked.id)
    put(customer_id, False, source="page", now=START + timedelta(days=1))

    held = put(customer_id, False, now=START + timedelta(days=2))
    assert (held.is_granted, held.source, held.at, held.wording_id) == (False, "page", START + timedelta(days=1), None)
    assert [(row.is_granted, row.source, row.wording_id, row.at) for row in history(customer_id)] == [
        (True, "app", asked.id, START),
        (False, "page", None, START + timedelta(days=1)),
    ]
    assert [(one["is_granted"], one["given_through"], one["wording_id"]) for one in changes()] == [
        (True, "app", str(asked.id)),
        (False, "page", None),
    ]


def test_one_channel_or_purpose_says_nothing_of_another(scene: Scene) -> None:
    customer_id = scene.customer(consent=[])
    put(customer_id, True)

    with transaction() as session:
        said = consents.of_many(session, [customer_id])

    assert said.allow(customer_id, channel="sms", purpose="marketing")
    assert not said.allow(customer_id, channel="email", purpose="marketing")
    assert said.allow(customer_id, channel="email", purpose="transactional")


def test_a_yes_to_other_words_is_news_and_a_repeated_no_is_not(scene: Scene) -> None:
    customer_id, old, new = scene.customer(consent=[]), wording(), wording(text="Yes, text me offers, twice a week.")

    for granted, asked in [(True, old), (True, old), (True, new), (False, old), (False, new)]:
        put(customer_id, granted, wording_id=asked.id)
    put(customer_id, False)

    assert [(row.is_granted, row.wording_id) for row in history(customer_id)] == [
        (True, old.id), (True, new.id), (False, old.id),
    ]  # fmt: skip


def test_answers_at_one_moment_are_listed_as_they_counted(scene: Scene) -> None:
    """The one that waited for the other drew its id first, and counts last."""
    customer_id = scene.customer(consent=["sms"])
    waiting = threading.Thread(target=lambda: put(customer_id, True))

    with transaction() as session:
        query = "SELECT FROM engage.consent WHERE customer_id = %s FOR UPDATE"
        connection_of(session).execute(query, [customer_id])
        waiting.start()
        waiting.join(timeout=0.2)
        assert waiting.is_alive()
        consents.put(session, Said(customer_id, "sms", "marketing", False), source="page", now=START)
    waiting.join()

    assert [(row.is_granted, row.source) for row in history(customer_id)][1:] == [(False, "page"), (True, "app")]
    with transaction() as session:
        assert consents.of_many(session, [customer_id]).allow(customer_id, channel="sms", purpose="marketing")


def test_what_was_said_is_written_once(scene: Scene) -> None:
    customer_id = scene.customer(consent=[])
    put(customer_id, True)
    wording()

    for statement in (
        "UPDATE engage.consent_record SET is_granted = false", "DELETE FROM engage.consent_record",
        "UPDATE engage.wording SET text = 'No'", "DELETE FROM engage.wording",
    ):  # fmt: skip
        with pytest.raises(Exception, match="written once"), transaction() as session:
            connection_of(session).execute(statement)


def test_a_no_takes_back_what_waits_to_be_sent(scene: Scene) -> None:
    customer_id = scene.customer()
    scene.publish(journey("tell", {"tell": say("For you")}))
    scene.happen(scene.order(customer_id))
    scene.read()

    put(customer_id, False)

    with transaction() as session:
        message = session.scalars(select(Message)).one()
        assert (message.state, message.last_error) == ("suppressed", "opted_out")
        query = "SELECT customer_id, payload FROM core.event WHERE name = 'message.suppressed'"
        [(told, payload)] = connection_of(session).execute(query)
    assert (told, payload["message_id"], payload["reason"]) == (customer_id, str(message.id), "opted_out")
    assert payload["reference"] == str(message.reference)


def test_what_is_taken_back_gives_its_counts_back(scene: Scene) -> None:
    customer_id = scene.customer()
    with transaction() as session:
        policy.put(
            session, {"caps": [{"channel": "any", "per": "day", "most": 1}]}, revision=0, actor="staff:test", now=START
        )
    scene.publish(journey("tell", {"tell": say("For you")}))
    scene.happen(scene.order(customer_id))
    scene.read()
    [count] = counts()
    assert counts()[count] == 1

    put(customer_id, False)

    assert counts()[count] == 0


def test_a_wording_of_another_channel_or_none_is_refused_and_nothing_is_kept(scene: Scene, open_for: Open) -> None:
    customer_id, asked = scene.customer(consent=[]), wording()
    client = open_for(Principal("customer", customer_id))

    for channel, named in (("email", asked.id), ("sms", ids.new())):
        body = {"channel": channel, "purpose": "marketing", "granted": True, "wording_id": str(named)}
        refused = client.put("/app/v1/consents", json=body)
        assert (refused.status_code, refused.json["code"]) == (422, "wording_unknown")

    assert history(customer_id) == []
    body = {"channel": "sms", "purpose": "marketing", "granted": True, "wording_id": str(asked.id)}
    assert client.put("/app/v1/consents", json=body).json["wording_id"] == str(asked.id)


def test_the_preferences_hold_every_choice_with_the_words_to_ask_in(scene: Scene, open_for: Open) -> None:
    customer_id = scene.customer(consent=["sms"])
    wording(text="Old words"), wording(locale="fr", text="Oui"), wording(text="New words")
    wording(channel="email", locale="fr", text="Par e-mail")

    answer = open_for(Principal("customer", customer_id)).get("/app/v1/preferences")

    items = {(item["channel"], item["purpose"]): item for item in answer.json["items"]}
    assert len(items) == 8
    sms, mail, news = items["sms", "marketing"], items["email", "marketing"], items["email", "transactional"]
    assert (sms["granted"], sms["said"]["source"], sms["wording"]["text"]) == (True, "test", "New words")
    assert (mail["granted"], mail["said"], mail["wording"]["text"]) == (False, None, "Par e-mail")
    assert (news["granted"], news["said"], news["wording"]) == (True, None, None)
    assert not any(item["blocked"] for item in items.values())
    assert "/p/" in answer.json["url"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("locale", "text"), [("fr-CA", "Canada"), ("fr-FR", "French"), ("FR", "French"), ("de", "German"), (None, "German")]
)
def test_customers_are_asked_in_their_language_or_the_nearest(database: None, locale: str | None, text: str) -> None:
    for tag, words in (("fr-CA", "Canada"), ("fr", "French"), ("en", "English"), ("de", "German")):
        wording(locale=tag, text=words)

    with transaction() as session:
        # Where nothing fits, the words that were written last.
        assert wordings.newest(session, locale)["sms", "marketing"].text == text


def test_choosing_says_only_what_changes_and_keeps_nothing_of_a_stale_page(scene: Scene) -> None:
    customer_id, asked = scene.customer(consent=["sms"]), wording()
    shown = {("sms", "marketing"): asked.id, ("email", "marketing"): None, ("push", "marketing"): None}

    with transaction() as session:
        changed = preferences.choose(
            session, customer_id, shown=shown, granted={("push", "marketing")}, source="page", now=START
        )
    assert changed == 2
    assert [(row.channel, row.is_granted, row.wording_id) for row in history(customer_id)[1:]] == [
        ("push", True, None), ("sms", False, asked.id),
    ]  # fmt: skip

    for stale in ({("email", "marketing"): None, ("sms", "marketing"): ids.new()}, {("fax", "marketing"): None}):
        with pytest.raises(WordingUnknown), transaction() as session:
            preferences.choose(session, customer_id, shown=stale, granted=set(stale), source="page", now=START)
    assert len(history(customer_id)) == 3


def staff(*permissions: str) -> Principal:
    return Principal("staff", ids.new(), frozenset(permissions))


def test_staff_read_all_that_was_said_page_by_page(scene: Scene, open_for: Open) -> None:
    customer_id = scene.customer(consent=[])
    for granted in (True, False, True):
        put(customer_id, granted)
    client, path = open_for(staff("consents.read")), f"/admin/v1/customers/{customer_id}/consents"

    first = client.get(path, query_string={"limit": 2}).json
    second = client.get(path, query_string={"limit": 2, "cursor": first["next_cursor"]}).json

    assert [item["granted"] for item in (*first["items"], *second["items"])] == [True, False, True]
    assert second["next_cursor"] is None
    assert client.get(f"/admin/v1/customers/{ids.new()}/consents").status_code == 404


def test_staff_see_what_counts_and_that_a_number_sent_stop(scene: Scene, open_for: Open) -> None:
    customer_id = scene.customer(consent=["sms", "push"])
    with transaction() as session:
        index = session.get_one(Customer, customer_id).phone_index
        stopping.stop(session, index, customer_id, "sms", source="stop", now=START)
    client = open_for(staff("consents.read"))

    answer = client.get(f"/admin/v1/customers/{customer_id}/preferences").json

    told = {item["channel"]: item for item in answer["items"] if item["purpose"] == "marketing"}
    assert list(answer) == ["items"]  # the signed link is the customer's own
    assert {name: (item["granted"], item["blocked"]) for name, item in told.items()} == {
        "push": (True, False), "sms": (False, True), "whatsapp": (False, False), "email": (False, False),
    }  # fmt: skip
    assert told["sms"]["said"]["source"] == "stop"
    assert client.get(f"/admin/v1/customers/{ids.new()}/preferences").status_code == 404


def test_what_staff_keep_needs_evidence_that_tells_nobody(scene: Scene, open_for: Open) -> None:
    customer_id, who = scene.customer(consent=[]), staff("consents.write")
    client, path = open_for(who), f"/admin/v1/customers/{customer_id}/consents"
    body = {"channel": "email", "purpose": "marketing", "granted": True}

    assert client.put(path, json=body).status_code == 422
    for evidence in ({"kind": "rumour", "reference": "x"}, {"kind": "call", "reference": "555 0142 100"},
                     {"kind": "call", "reference": "ada@example.com"}, {"kind": "call", "reference": " "}):  # fmt: skip
        assert client.put(path, json={**body, "evidence": evidence}).status_code == 422, evidence
    kept = client.put(path, json={**body, "evidence": {"kind": "paper", "reference": "FORM-2026-118"}})

    assert (kept.status_code, kept.json["source"]) == (200, "staff")
    [record] = history(customer_id)
    assert record.evidence == {"kind": "paper", "reference": "FORM-2026-118", "by": who.name}
    evidence = {"evidence": {"kind": "paper", "reference": "F1"}}
    assert client.put(f"/admin/v1/customers/{ids.new()}/consents", json={**body, **evidence}).status_code == 404


def test_wordings_over_http(scene: Scene, open_for: Open) -> None:
    client = open_for(staff("consents.read", "consents.write"))

    made = [client.post("/admin/v1/wordings", json={**WORDS, "text": text}) for text in ("One", "Two")]

    assert [answer.status_code for answer in made] == [201, 201]
    listed = client.get("/admin/v1/wordings", query_string={"limit": 1}).json
    assert [item["text"] for item in listed["items"]] == ["Two"]
    for wrong in ({"locale": "klingon!"}, {"channel": "inbox"}, {"text": " \n "}, {"text": "x" * 2001}):
        assert client.post("/admin/v1/wordings", json={**WORDS, **wrong}).status_code == 422
    assert open_for(staff("consents.read")).post("/admin/v1/wordings", json=WORDS).status_code == 403
