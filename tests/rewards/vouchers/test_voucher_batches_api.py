"""Codes in bulk over HTTP: from a printer's million to a customer who has no app yet."""

import io
from dataclasses import replace
from uuid import UUID

import pytest
import zxingcpp
from flask import Flask
from PIL import Image
from werkzeug.test import TestResponse

from app import wiring
from auth import tokens
from core import clock, ids
from core.web.principals import Principal
from rewards.vouchers import work
from tests.rewards.test_api import BASKET, Door, customer, running, staff, till  # noqa: F401 - fixtures

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def exporter(app: Flask) -> Door:
    permissions = frozenset({"campaigns.read", "codes.export"})
    return Door(app, "/admin/v1", tokens.ADMIN, Principal("staff", ids.new(), permissions=permissions))


def send(door: Door, path: str, data: bytes, key: str | None = None, mimetype: str = "text/csv") -> TestResponse:
    headers = {**door.headers, "Idempotency-Key": key or str(ids.new())}
    return door.app.test_client().post(door.prefix + path, data=data, content_type=mimetype, headers=headers)


def work_off() -> None:
    while work.work_off(clock.now()):
        pass


def codes_of(exporter: Door, batch_id: str) -> list[str]:
    exported = exporter.get(f"/code-batches/{batch_id}/codes.csv")
    assert (exported.status_code, exported.is_streamed) == (200, True), exported.text
    return [line.split(",")[0] for line in exported.data.decode("utf-8-sig").splitlines()[1:]]


def test_code_goes_from_the_batch_to_a_customers_wallet(staff: Door, exporter: Door, customer: Door) -> None:  # noqa: F811
    campaign_id = running(staff)
    asked = {"count": 30, "pattern": {"prefix": "SUN", "length": 8}}
    made = staff.post(f"/campaigns/{campaign_id}/code-batches", asked, "k")
    again = staff.post(f"/campaigns/{campaign_id}/code-batches", asked, "k")
    assert (made.status_code, made.json["status"], again.json) == (201, "waiting", made.json)

    work_off()

    batch_id = made.json["id"]
    shown = staff.get(f"/code-batches/{batch_id}").json
    assert (shown["status"], shown["made"], shown["pattern"]["prefix"]) == ("ended", 30, "SUN")
    code = codes_of(exporter, batch_id)[0]
    claimed = customer.post("/claims", {"code": code.lower()})
    assert (claimed.status_code, claimed.json["state"], "code" in claimed.json) == (201, "active", False)
    assert customer.get(f"/vouchers/{claimed.json['id']}").json["code"] == code
    assert code not in codes_of(exporter, batch_id)
    page = staff.app.test_client().get(f"/c/{code}")
    assert (page.status_code, code in page.text) == (200, True)
    wrong = code[:-1] + ("A" if code[-1] != "A" else "B")
    assert staff.app.test_client().get(f"/c/{wrong}").status_code == 404
    assert customer.post("/claims", {"code": wrong}).json["code"] == "voucher_unknown"
    listed = staff.get(f"/campaigns/{campaign_id}/code-batches").json["items"]
    assert [(each["id"], "faults" in each) for each in listed] == [(batch_id, False)]
    assert staff.get(f"/campaigns/{campaign_id}").json["issued"] == 30


def test_codes_go_out_to_whom_may_take_them_and_it_is_noted(staff: Door, exporter: Door) -> None:  # noqa: F811
    made = staff.post(f"/campaigns/{running(staff)}/code-batches", {"count": 3}).json
    work_off()

    assert staff.get(f"/code-batches/{made['id']}/codes.csv").status_code == 403
    assert len(set(codes_of(exporter, made["id"]))) == 3
    assert exporter.get(f"/code-batches/{ids.new()}/codes.csv").status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"count": 0}, "invalid_input"),
        ({"count": 1_000_001}, "invalid_input"),
        ({"count": "3"}, "invalid_input"),
        ({"count": 3, "pattern": "SUN"}, "invalid_input"),
        ({"count": 3, "pattern": {"length": 2}}, "pattern_invalid"),
        ({"count": 101, "pattern": {"length": 4, "alphabet": "digits", "has_check": False}}, "pattern_too_small"),
    ],
)
def test_batch_that_cannot_be_is_refused(staff: Door, body: object, code: str) -> None:  # noqa: F811
    campaign_id = running(staff)

    refused = staff.post(f"/campaigns/{campaign_id}/code-batches", body)

    assert (refused.status_code, refused.json["code"]) == (422, code)
    assert staff.get(f"/campaigns/{campaign_id}/code-batches").json["items"] == []


def test_import_names_each_bad_line(staff: Door) -> None:  # noqa: F811
    path = f"/campaigns/{running(staff)}/code-imports"

    refused = send(staff, path, b"AAA1\n!\nAAA2\n")
    asked = send(staff, f"{path}?mode=each", b"AAA1\n!\nAAA2\n", "k")
    while work.work_off(clock.now()):
        pass
    each = staff.get(f"/code-batches/{asked.json['id']}")
    again = send(staff, f"{path}?mode=each", b"AAA1\n!\nAAA2\n", "k")
    other = send(staff, f"{path}?mode=each", b"AAA1\n!\nAAA3\n", "k")

    assert (refused.status_code, refused.json["code"]) == (422, "import_refused")
    assert [error["pointer"] for error in refused.json["errors"]] == ["/2"]
    assert staff.get(f"/code-batches/{refused.json['batch_id']}").json["faults"] == [{"line": 2, "code": "form"}]
    assert (asked.status_code, asked.json["status"], asked.json["made"]) == (201, "waiting", 0)
    assert (each.json["status"], each.json["made"], each.json["refused"]) == ("ended", 2, 1)
    assert again.json == each.json
    assert other.json["code"] == "idempotency_key_reused"
    assert send(staff, path, b"[]", mimetype="application/json").json["code"] == "import_media_unknown"
    assert send(staff, f"{path}?mode=some", b"AAA9").status_code == 422
    assert send(staff, path, b"A" * 6_000_001).status_code == 413


def test_mailing_reaches_its_customers(staff: Door, customer: Door) -> None:  # noqa: F811
    campaign_id = running(staff)
    asked = {"customer_ids": [str(customer.principal.id)]}

    made = staff.post(f"/campaigns/{campaign_id}/mailings", asked)
    work_off()

    assert (made.status_code, made.json["kind"], made.json["asked"]) == (201, "mailing", 1)
    assert staff.get(f"/code-batches/{made.json['id']}").json["made"] == 1
    assert len(customer.get("/vouchers").json["items"]) == 1


def test_poster_opens_the_page_of_its_code(staff: Door, customer: Door, app: Flask) -> None:  # noqa: F811
    app.extensions["settings"] = replace(app.extensions["settings"], public_url="https://brand.example/")
    campaign_id = running(staff)
    generic = staff.post(f"/campaigns/{campaign_id}/vouchers", {"code": "sun-10"}).json
    own = staff.post(f"/campaigns/{campaign_id}/vouchers", {"customer_id": str(customer.principal.id)}).json

    drawn = staff.get(f"/vouchers/{generic['id']}/poster.png")

    [read] = zxingcpp.read_barcodes(Image.open(io.BytesIO(drawn.data)))
    assert read.text == "https://brand.example/c/SUN-10"
    assert "SUN-10" in app.test_client().get("/c/SUN-10").text
    assert staff.get(f"/vouchers/{own['id']}/poster.png").status_code == 404
    assert staff.get(f"/vouchers/{ids.new()}/poster.png").status_code == 404
    for status, answer in (("paused", 200), ("ended", 422)):
        staff.put(f"/campaigns/{campaign_id}/status", {"status": status})
        assert staff.get(f"/vouchers/{generic['id']}/poster.png").status_code == answer


def test_blocked_voucher_is_no_voucher_any_more(staff: Door, customer: Door) -> None:  # noqa: F811
    campaign_id = running(staff)
    generic = staff.post(f"/campaigns/{campaign_id}/vouchers", {"code": "SUN10"}).json

    blocked = staff.put(f"/vouchers/{generic['id']}/block", {})

    assert (blocked.status_code, blocked.json["status"]) == (200, "blocked")
    assert customer.post("/claims", {"code": "SUN10"}).json["code"] == "voucher_unknown"
    assert staff.get(f"/vouchers/{generic['id']}/poster.png").status_code == 404
    assert staff.put(f"/vouchers/{UUID(int=7)}/block", {}).status_code == 404


def test_made_code_is_redeemed_at_a_till_once(staff: Door, exporter: Door, till: Door) -> None:  # noqa: F811
    asked = {"count": 1, "pattern": {"prefix": "SUN", "length": 7, "alphabet": "digits", "has_check": False}}
    made = staff.post(f"/campaigns/{running(staff)}/code-batches", asked).json
    work_off()
    [code] = codes_of(exporter, made["id"])
    shown = {"code": code, "basket": BASKET, "currency": "USD"}

    first = till.post("/redemptions", {**shown, "till_reference": "1"})
    second = till.post("/redemptions", {**shown, "till_reference": "2"})

    assert (first.status_code, first.json["amount"]["amount_minor"]) == (201, 500)
    assert (second.status_code, second.json["code"]) == (422, "voucher_used_up")


def test_batches_are_a_line_of_the_workers() -> None:
    assert "rewards.batches" in {line.name for line in wiring.rewards.vouchers.work.WORK}
