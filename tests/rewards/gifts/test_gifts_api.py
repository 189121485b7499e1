"""Coupons given over HTTP: by a link that the answer holds, and refused in the door's words."""

from typing import Any

import pytest
from flask import Flask

from core import clock
from core.db import transaction
from rewards import vouchers
from rewards.vouchers import Issue
from tests.rewards.gift_cards.conftest import BEN, World
from tests.rewards.gift_cards.test_api import _deliver, _phone, _texts, code_of
from tests.rewards.gifts.test_coupons import campaign
from tests.rewards.test_api import Door
from wallet import limits


@pytest.fixture
def phone(app: Flask) -> Door:
    with transaction() as session:
        limits.ensure_defaults(session, now=clock.now())
    return _phone(app, "+12125550142")


def coupon(world: World, phone: Door, **changes: Any) -> str:
    window = {"starts_at": clock.now(), "ends_at": clock.now().replace(year=clock.now().year + 1)}
    campaign_id = campaign(world, **(window | changes))
    with transaction() as session:
        given = Issue(campaign_id=campaign_id, customer_id=phone.principal.id, source=f"api:{campaign_id}")
        return str(vouchers.issue(session, given, now=clock.now()).id)


def test_link_is_told_to_its_giver_alone_and_opens_once(app: Flask, phone: Door, world: World) -> None:
    given, friend = coupon(world, phone), _phone(app, BEN)

    made = phone.post(f"/vouchers/{given}/gifts", {"message": "Tea?"}, "K")
    assert made.status_code == 201 and made.json, made.json
    again = phone.post(f"/vouchers/{given}/gifts", {"message": "Tea?"}, "K")
    assert (again.json, again.headers["Idempotency-Replayed"]) == (made.json, "true")
    link = made.json["link"]
    assert link["url"].endswith(f"/c/g/{link['code']}")
    assert (made.json["kind"], made.json["amount"], made.json["phone"]) == ("coupon", None, None)
    shown = phone.get(f"/gifts/{made.json['id']}").json or {}
    assert (shown["status"], "link" in shown) == ("scheduled", False)
    page = app.test_client().get(f"/c/g/{link['code']}")
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    assert app.test_client().get("/c/g/" + "z" * 64).status_code == 404

    claimed = friend.post("/gifts/claims", {"code": link["code"]}, "C")
    assert (claimed.status_code, (claimed.json or {})["message"]) == (201, "Tea?"), claimed.json
    assert friend.post("/gifts/claims", {"code": link["code"]}, "D").json == claimed.json
    assert (friend.get(f"/vouchers/{given}").json or {})["is_transferable"] is True
    assert phone.get(f"/vouchers/{given}").status_code == 404
    assert (phone.get(f"/gifts/{made.json['id']}").json or {})["status"] == "delivered"


def test_gifts_that_cannot_be_are_refused_in_words_of_their_own(app: Flask, phone: Door, world: World) -> None:
    own, given, friend = coupon(world, phone, is_transferable=False), coupon(world, phone), _phone(app, BEN)
    made = phone.post(f"/vouchers/{given}/gifts", {"deliver_at": "2126-01-01T00:00:00Z"})

    assert code_of(made) == (422, "invalid_input")
    assert code_of(phone.post(f"/vouchers/{own}/gifts", {"phone": BEN})) == (422, "voucher_not_transferable")
    assert code_of(friend.post(f"/vouchers/{given}/gifts", {})) == (404, "voucher_unknown")
    assert code_of(friend.post("/gifts/claims", {"code": "0" * 64})) == (404, "link_unknown")
    assert code_of(friend.post("/gifts/claims", {"code": "0"})) == (422, "invalid_input")
    link = (phone.post(f"/vouchers/{given}/gifts", {}).json or {})["link"]["code"]
    assert code_of(phone.post("/gifts/claims", {"code": link})) == (422, "self_transfer")


def test_friend_is_told_of_a_coupon_by_text(app: Flask, phone: Door, world: World) -> None:
    phone.post(f"/vouchers/{coupon(world, phone)}/gifts", {"phone": BEN})
    _phone(app, BEN)
    _deliver()

    assert _texts() == [
        (BEN, "+1 ••• 0142 gave you a Corner coupon. Open the app to see it: https://corner.example/c/g")
    ]
