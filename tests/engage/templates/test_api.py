"""Templates over the staff door, and how they read before anybody gets them."""

from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from core import ids
from core.db import connection_of, transaction
from core.web.principals import Principal
from engage.links.models import TrackedLink
from tests.engage.conftest import Open, Scene

WORDING = {
    "default_locale": "en",
    "links": {"shop": "https://shop.example/autumn"},
    "sms": {
        "en": {
            "body": "Thanks for {{ event.total_minor | money: event.currency }}! {{ voucher.code }} {{ links.shop }}"
        },
        "fr": {"body": "Merci pour {{ event.total_minor | money: event.currency }} ! {{ traits.plan | default: '—' }}"},
    },
}


def client(open_for: Open, *more: str) -> FlaskClient:
    return open_for(Principal("staff", ids.new(), frozenset(("templates.read", "templates.write", *more))))


def save(client: FlaskClient, wording: Any = None, **more: Any) -> Any:
    body = {"key": "thanks", "name": "Thanks", "purpose": "marketing", "wording": wording or WORDING, **more}
    return client.post("/admin/v1/templates", json=body)


def preview(client: FlaskClient, template_id: str, **asked: Any) -> Any:
    return client.post(f"/admin/v1/templates/{template_id}/previews", json={"channel": "sms", **asked})


def test_staff_save_change_list_and_archive_a_template(scene: Scene, open_for: Open) -> None:
    staff = client(open_for)
    made = save(staff)
    path = f"/admin/v1/templates/{made.json['id']}"
    assert (made.status_code, made.json["status"], made.json["key"]) == (201, "live", "thanks")

    changed = staff.post(f"{path}/versions", json={"wording": {**WORDING, "sms": {"en": {"body": "Hi"}}}})
    assert (changed.status_code, changed.json["number"], changed.json["says"]) == (201, 2, [])
    shown = staff.get(path).json
    assert shown["live_version_id"] == changed.json["id"]
    assert [version["number"] for version in shown["versions"]] == [2, 1]
    assert [one["key"] for one in staff.get("/admin/v1/templates").json["items"]] == ["thanks"]
    assert staff.put(f"{path}/status", json={"status": "archived"}).json["status"] == "archived"

    refused = staff.post(f"{path}/versions", json={"wording": WORDING})
    assert (refused.status_code, refused.json["code"]) == (409, "template_archived")


def test_faults_come_back_as_pointers_into_the_wording(scene: Scene, open_for: Open) -> None:
    wording = {"default_locale": "en", "sms": {"en": {"body": "{{ voucher.secret }}"}}, "fax": {}}

    refused = save(client(open_for), wording)

    assert (refused.status_code, refused.json["code"]) == (422, "template_invalid")
    assert {error["pointer"] for error in refused.json["errors"]} == {"/wording/fax", "/wording/sms/en/body"}


@pytest.mark.parametrize(
    "more", [{"key": "Has Blanks"}, {"key": ""}, {"key": "a" * 61}, {"purpose": "spam"}, {"name": ""}, {"extra": 1}]
)
def test_what_is_no_template_is_refused(scene: Scene, open_for: Open, more: dict[str, Any]) -> None:
    assert save(client(open_for), **more).status_code == 422


def test_a_second_template_of_a_key_is_refused(scene: Scene, open_for: Open) -> None:
    staff = client(open_for)
    save(staff)

    refused = save(staff)

    assert (refused.status_code, refused.json["code"]) == (409, "template_key_taken")


def test_an_example_is_shown_where_nobody_is_named(scene: Scene, open_for: Open) -> None:
    staff = client(open_for)
    template = save(staff).json

    told = preview(staff, template["id"]).json

    short = "http://127.0.0.1:8000/l/000000000000"
    assert told["rendered"]["body"] == f"Thanks for $12.50! 7KQ4-M9TD-2XWA-H {short}"
    assert (told["locale"], told["sms"]["encoding"], told["sms"]["parts"]) == ("en", "GSM-7", 1)


def test_a_preview_reads_as_it_would_to_a_customer_and_writes_nothing(scene: Scene, open_for: Open) -> None:
    customer_id = scene.customer()
    with transaction() as session:
        connection_of(session).execute("UPDATE auth.customer SET locale = 'fr-CA' WHERE id = %s", [customer_id])
        connection_of(session).execute(
            "INSERT INTO insights.trait (customer_id, name, value, at) VALUES (%s, 'plan', '\"or\"', now())",
            [customer_id],
        )
    [event_id] = scene.happen(scene.order(customer_id, total_minor=5000))
    staff = client(open_for, "customers.read")
    template = save(staff).json

    told = preview(staff, template["id"], customer_id=str(customer_id), event_id=str(event_id)).json

    assert (told["locale"], told["rendered"]["body"]) == (
        "fr",
        "Merci pour 50,00\N{NO-BREAK SPACE}$\N{NO-BREAK SPACE}US ! or",
    )
    assert (told["sms"]["encoding"], told["sms"]["odd"]) == ("UCS-2", "\N{NO-BREAK SPACE}")
    with transaction() as session:
        assert session.query(TrackedLink).count() == 0
    assert audited() == [
        {"customer_id": str(customer_id), "event_id": str(event_id)},
    ]


def audited() -> list[dict[str, Any]]:
    with transaction() as session:
        rows = connection_of(session).execute("SELECT change FROM core.audit_entry WHERE action = 'template.preview'")
        return [row[0] for row in rows]


def test_customers_are_shown_to_those_who_may_read_them(scene: Scene, open_for: Open) -> None:
    staff, customer_id = client(open_for), scene.customer()
    template = save(staff).json

    refused = preview(staff, template["id"], customer_id=str(customer_id))

    assert (refused.status_code, refused.json["code"]) == (403, "forbidden")
    assert audited() == []


@pytest.mark.parametrize("of_whom", ["nobody", "somebody else"])
def test_an_event_of_somebody_else_is_as_good_as_none(scene: Scene, open_for: Open, of_whom: str) -> None:
    customer_id, other = scene.customer(), scene.customer()
    [theirs] = scene.happen(scene.order(other))
    staff = client(open_for, "customers.read")
    template = save(staff).json
    event_id: UUID = ids.new() if of_whom == "nobody" else theirs

    refused = preview(staff, template["id"], customer_id=str(customer_id), event_id=str(event_id))

    assert refused.status_code == 404
    assert preview(staff, template["id"], customer_id=str(ids.new())).status_code == 404


def test_a_preview_says_what_a_true_letter_would_lack(scene: Scene, open_for: Open) -> None:
    customer_id = scene.customer()
    staff = client(open_for, "customers.read")
    template = save(staff, {"default_locale": "en", "sms": {"en": {"body": "{{ traits.plan }}"}}}).json

    refused = preview(staff, template["id"], customer_id=str(customer_id))
    without = preview(staff, template["id"], channel="push")

    assert (refused.status_code, refused.json["code"]) == (422, "template_invalid")
    assert "traits.plan" in refused.json["errors"][0]["detail"]
    assert (without.status_code, without.json["code"]) == (422, "wording_missing")


def test_a_wording_can_be_looked_at_before_it_is_saved(scene: Scene, open_for: Open) -> None:
    staff = client(open_for)
    template = save(staff).json

    told = preview(staff, template["id"], wording={"default_locale": "en", "sms": {"en": {"body": "New"}}})
    refused = preview(staff, template["id"], wording={"default_locale": "en", "sms": {"en": {"body": "{{ x }}"}}})

    assert told.json["rendered"]["body"] == "New"
    assert refused.status_code == 422
    assert "Thanks" in preview(staff, template["id"]).json["rendered"]["body"]


def test_a_rich_text_is_shown_with_all_it_has(scene: Scene, open_for: Open) -> None:
    text = {"title": "T", "body": "B", "image": "https://p.example/a.png", "deep_link": "brand://x",
            "actions": [{"id": "a", "title": "A", "link": "brand://y"}]}  # fmt: skip
    staff = client(open_for)
    template = save(staff, {"default_locale": "en", "push": {"en": text}}).json

    told = preview(staff, template["id"], channel="push").json

    assert {name: told["rendered"][name] for name in text} == text
    assert told["sms"] is None
