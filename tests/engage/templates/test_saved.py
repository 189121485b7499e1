"""Templates that are saved: versions that never change, and what those who use them can count on."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from core import ids
from core.db import connection_of, transaction
from core.errors import NotFound
from core.notes import Notes
from core.settings import Settings
from engage import journeys, links
from engage.templates import saved, variables
from engage.templates.errors import TemplateArchived, TemplateInUse, TemplateInvalid, TemplateKeyTaken
from engage.templates.models import Template, TemplateVersion
from tests.core.locks import until_somebody_waits
from tests.engage.broadcasts.audience import draft
from tests.engage.conftest import Scene, journey, runs, sent

SMS = {"default_locale": "en", "sms": {"en": {"body": "Hi"}}}


def sms(body: str) -> dict[str, Any]:
    return {"default_locale": "en", "sms": {"en": {"body": body}}}


def create(scene: Scene, raw: dict[str, Any] | None = None, *, key: str = "hello", purpose: str = "marketing") -> UUID:
    with transaction() as session:
        return saved.create(
            session, key=key, name="Hello", purpose=purpose, raw=raw or SMS, actor="staff:test", now=scene.now
        ).id


def change(scene: Scene, template_id: UUID, raw: dict[str, Any]) -> TemplateVersion:
    with transaction() as session:
        return saved.add_version(session, template_id=template_id, raw=raw, actor="staff:test", now=scene.now)


def archive(scene: Scene, template_id: UUID) -> Template:
    with transaction() as session:
        return saved.archive(session, template_id, actor="staff:test", now=scene.now)


def told(template_id: UUID) -> str:
    with transaction() as session:
        return saved.live(session, [template_id])[template_id].render("sms", None, {}).body


def step(template_id: UUID, *, channel: Any = "sms", **more: Any) -> dict[str, Any]:
    return {"kind": "message", "channel": channel, "purpose": "marketing", "template_id": str(template_id), **more}


def test_the_newest_version_is_what_is_said_and_the_old_ones_stay(scene: Scene) -> None:
    template_id = create(scene)

    version = change(scene, template_id, sms("Hello"))

    assert told(template_id) == "Hello"
    with transaction() as session:
        assert saved.find(session, template_id).live_version_id == version.id
        assert [(one.number, one.wording) for one in saved.versions_of(session, template_id)] == [
            (2, sms("Hello")),
            (1, SMS),
        ]


def test_few_versions_are_kept_compiled(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved, "_MOST_COMPILED", 1)
    monkeypatch.setattr(saved, "_compiled", {})
    both = [create(scene, sms(text), key=text) for text in ("one", "two")]
    with transaction() as session:
        assert saved.live(session, [both[0]]).keys() == {both[0]}
        assert saved.live(session, both).keys() == set(both)
        assert saved.live(session, [both[0]])[both[0]].texts["sms"]["en"].body.source == "one"
        assert len(saved._compiled) <= 2


def test_a_version_is_written_once(scene: Scene) -> None:
    create(scene)

    for statement in ("UPDATE engage.template_version SET wording = '{}'", "DELETE FROM engage.template_version"):
        with pytest.raises((DBAPIError, Exception), match="written once"), transaction() as session:
            connection_of(session).execute(statement)


def test_each_key_is_one_template(scene: Scene) -> None:
    create(scene)

    with pytest.raises(TemplateKeyTaken):
        create(scene)
    create(scene, key="other")


@pytest.mark.parametrize(
    ("raw", "purpose", "pointer"),
    [
        (sms("{{ voucher.secret }}"), "marketing", "/wording/sms/en/body"),
        ({"default_locale": "en", "email": {"en": {"subject": "s", "body": "b"}}}, "marketing", "/wording/email/en"),
        ([], "marketing", "/wording"),
    ],
)
def test_a_template_at_fault_is_not_saved(scene: Scene, raw: Any, purpose: str, pointer: str) -> None:
    with pytest.raises(TemplateInvalid) as refused:
        create(scene, raw, purpose=purpose) if raw else saved.parse_new(raw, purpose=purpose)

    assert pointer in [error["pointer"] for error in refused.value.facts["errors"]]
    with transaction() as session:
        assert saved.list_(session, before=None, limit=10) == []


def test_a_mail_about_what_the_customer_did_needs_no_way_out(scene: Scene) -> None:
    create(scene, {"default_locale": "en", "email": {"en": {"subject": "s", "body": "b"}}}, purpose="transactional")


@pytest.mark.parametrize(
    ("address", "is_taken"),
    [
        ("https://shop.example/a", True),
        ("https://www.SHOP.example:8443/a", True),
        ("https://evilshop.example/a", False),
        ("https://shop.example.evil.example/", False),
        ("https://evil.example/?shop.example", False),
    ],
)
def test_links_lead_only_where_they_may(scene: Scene, address: str, is_taken: bool) -> None:
    links.load(Settings(link_hosts="shop.example, other.example"))
    try:
        for key, raw in (("named", {**SMS, "links": {"a": address}}), ("found", sms(f"See {address}"))):
            if is_taken:
                create(scene, raw, key=key)
            else:
                with pytest.raises(TemplateInvalid):
                    create(scene, raw, key=key)
    finally:
        links.load(Settings())


def test_a_journey_says_the_template_as_it_stands_when_it_sends(scene: Scene) -> None:
    template_id = create(scene)
    scene.publish(journey("hi", {"hi": step(template_id)}))
    first, second = scene.customer(), scene.customer()
    scene.happen(scene.order(first))
    scene.read()
    change(scene, template_id, sms("{{ event.total_minor | money: event.currency }}"))
    scene.happen(scene.order(second))
    scene.read()

    assert [content["body"] for _, _, content in sent()] == ["Hi", "$50.00"]
    assert runs(second) == [("hi", "sent")]


def test_what_journeys_use_keeps_what_they_need(scene: Scene) -> None:
    template_id = create(scene)
    journey_id = scene.publish(journey("hi", {"hi": step(template_id)}))

    refused = {
        "a field that their trigger has not": sms("{{ event.cart_id }}"),
        "a channel that they send by": {"default_locale": "en", "push": {"en": {"title": "a", "body": "b"}}},
        "a voucher that they may not hold": sms("{{ voucher.code }}"),
    }
    for raw in refused.values():
        with pytest.raises(TemplateInvalid, match=r".") as refusal:
            change(scene, template_id, raw)
        assert refusal.value.facts["errors"][0]["pointer"] == "/wording"
    with pytest.raises(TemplateInUse) as in_use:
        archive(scene, template_id)
    assert in_use.value.facts == {"used_by": ["Thanks"]}

    scene.set_status(journey_id, "ended")
    assert change(scene, template_id, sms("{{ event.cart_id }}")).number == 2
    assert archive(scene, template_id).status == "archived"


def test_those_inside_a_journey_that_ended_its_version_still_count(scene: Scene) -> None:
    template_id = create(scene)
    wait = {"kind": "wait", "timeout_seconds": 3600, "on_timeout": "hi"}
    journey_id = scene.publish(journey("wait", {"wait": wait, "hi": step(template_id)}))
    scene.happen(scene.order(scene.customer()))
    scene.read()
    scene.publish(journey("wait", {"wait": {**wait, "on_timeout": None}}), journey_id=journey_id)

    with pytest.raises(TemplateInUse):
        archive(scene, template_id)
    scene.move(hours=2)
    scene.work()

    assert archive(scene, template_id).status == "archived"
    assert len(sent()) == 1


def test_what_is_archived_is_not_changed_or_used_any_more(scene: Scene) -> None:
    template_id = create(scene)
    archive(scene, template_id)

    assert archive(scene, template_id).status == "archived"
    with pytest.raises(TemplateArchived):
        change(scene, template_id, sms("Hello"))
    assert faults(template_id) == ["This template is archived."]


def faults(template_id: UUID, **asked: Any) -> list[str]:
    given: dict[str, Any] = {"channels": ("sms",), "purpose": "marketing", "says": variables.NO_EVENT, **asked}
    notes = Notes()
    with transaction() as session:
        saved.check(session, template_id, notes, **given)
    return [error["detail"] for error in notes.errors]


def test_who_would_use_a_template_is_told_what_is_missing(scene: Scene) -> None:
    template_id = create(scene, sms("{{ event.total_minor }}"))

    assert faults(template_id, says=variables.of_event("order.completed")) == []
    assert faults(template_id, says=variables.of_event("order.completed"), channels=("inbox",)) == []
    assert faults(template_id) == ["The template says event.total_minor, which is not known here."]
    assert faults(template_id, says=variables.ANY, channels=("push", "sms")) == ["The template has no text for push."]
    assert "for marketing messages" in faults(template_id, says=variables.ANY, purpose="transactional")[0]
    assert faults(ids.new()) == ["There is no such template."]


def test_unknown_ones_are_not_there(scene: Scene) -> None:
    with pytest.raises(NotFound), transaction() as session:
        saved.find(session, ids.new())
    with pytest.raises(NotFound):
        change(scene, ids.new(), SMS)
    with transaction() as session:
        assert saved.live(session, [ids.new()]) == {}
        assert saved.of_versions(session, [ids.new()]) == {}


def test_a_broadcast_keeps_its_template_from_the_archive_and_the_words_that_it_began_with(scene: Scene) -> None:
    template_id = create(scene)
    customer_id = scene.customer()
    broadcast = draft(scene, [customer_id], template=None, template_id=template_id)
    broadcast.start()

    change(scene, template_id, sms("Changed, for {{ event.cart_id }}"))
    with pytest.raises(TemplateInUse) as in_use:
        archive(scene, template_id)
    broadcast.work()

    assert in_use.value.facts == {"used_by": [broadcast.now_is().name]}
    assert [content["body"] for _, _, content in sent()] == ["Hi"]
    assert archive(scene, template_id).status == "archived"


def test_a_template_is_not_archived_while_a_journey_is_published_that_says_it(scene: Scene) -> None:
    template_id = create(scene)
    with transaction() as session:
        made = journeys.create(session, name="Twin", holdout_bps=0, actor="staff:test", now=scene.now)

    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            drawn = journey("hi", {"hi": step(template_id)})
            journeys.publish(session, journey_id=made.id, raw_graph=drawn, actor="staff:test", now=scene.now)
            archived = pool.submit(archive, scene, template_id)
            until_somebody_waits()

        with pytest.raises(TemplateInUse):
            archived.result()


@pytest.mark.parametrize(("length", "is_taken"), [(200_000, True), (200_001, False)])
def test_all_texts_together_have_an_end(scene: Scene, length: int, is_taken: bool) -> None:
    pages = {f"en-{number:03}": {"subject": "s", "body": "b", "html": "x" * 28_400} for number in range(7)}
    raw: dict[str, Any] = {"default_locale": "en-000", "email": pages}
    pages["en-000"]["body"] = "b" * (length - len(json.dumps(raw)) + 1)
    transactional = "transactional"

    if is_taken:
        create(scene, raw, purpose=transactional)
    else:
        with pytest.raises(TemplateInvalid, match=r"."):
            create(scene, raw, purpose=transactional)


def test_only_the_latest_versions_are_shown(scene: Scene) -> None:
    template_id = create(scene)
    for number in range(11):
        change(scene, template_id, sms(f"Hi {number}"))

    with transaction() as session:
        assert [version.number for version in saved.versions_of(session, template_id)] == list(range(12, 2, -1))
