"""Gift cards over HTTP: bought, given, refused in the doors' words; what is owed to their holders as JSON and CSV."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from auth import tokens
from core import clock
from core.db import transaction
from core.delivery import messages
from core.delivery.models import Message
from core.web.principals import Principal
from rewards.gifts import deliveries, reactions
from tests.rewards.conftest import fill
from tests.rewards.gift_cards.conftest import BEN, CLARA
from tests.rewards.test_api import Door
from tests.wallet.peers import conftest as peers
from tests.wallet.peers.conftest import set_limits
from wallet import limits
from wallet.peers.invitations import Brand

MONEY = {"amount_minor": 2_000, "currency": "USD"}
SOME = {"amount_minor": 500, "currency": "USD"}


@pytest.fixture
def phone(app: Flask) -> Door:
    """A customer's app, with $100.00 in the wallet."""
    with transaction() as session:
        limits.ensure_defaults(session, now=clock.now())
    return _phone(app, "+12125550142")


@pytest.fixture
def staff(app: Flask) -> Door:
    permissions = frozenset({"finance.read", "topups.refund"})
    return Door(app, "/admin/v1", tokens.ADMIN, Principal("staff", peers.ids.new(), permissions=permissions))


def _phone(app: Flask, number: str) -> Door:
    customer_id = peers.customer(number, now=clock.now())
    with transaction() as session:
        fill(session, customer_id, 10_000)
    return Door(app, "/app/v1", tokens.APP, Principal("customer", customer_id))


def buy(phone: Door, key: str | None = None) -> dict[str, Any]:
    answer = phone.post("/gift-cards", {"amount": MONEY}, key)
    assert answer.status_code == 201, answer.json
    bought: dict[str, Any] = answer.json or {}
    return bought


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, (answer.json or {}).get("code", "")


def test_card_is_bought_once_and_shown_with_its_code(phone: Door) -> None:
    card = buy(phone, "K")

    again = phone.post("/gift-cards", {"amount": MONEY}, "K")
    assert (again.json, again.headers["Idempotency-Replayed"]) == (card, "true")
    assert (card["value"], card["state"]) == (MONEY, "active")
    shown = phone.get(f"/vouchers/{card['id']}").json
    assert shown and (shown["value"], shown["name"], len(shown["code"])) == (MONEY, "Gift card", 19)
    other = phone.post("/gift-cards", {"amount": SOME}, "K")
    assert code_of(other) == (422, "idempotency_key_reused")


def test_card_is_loaded_merged_and_another_refunded(phone: Door) -> None:
    one, other, third = buy(phone), buy(phone), buy(phone)

    loaded = phone.post(f"/gift-cards/{one['id']}/loads", {"amount": SOME})
    merged = phone.post(f"/gift-cards/{one['id']}/merges", {"into_id": other["id"]})
    refunded = phone.post(f"/gift-cards/{third['id']}/refunds", None)

    assert loaded.json and loaded.json["value"]["amount_minor"] == 2_500
    assert merged.json and (merged.json["id"], merged.json["value"]["amount_minor"]) == (other["id"], 4_500)
    assert refunded.json and (refunded.json["state"], refunded.json["value"]["amount_minor"]) == ("used_up", 0)
    peers.check_books()


def test_deeds_that_cannot_be_are_refused_in_words_of_their_own(phone: Door) -> None:
    card, other = buy(phone), buy(phone)
    phone.post(f"/gift-cards/{other['id']}/merges", {"into_id": card["id"]})
    unknown = "01900000-0000-7000-8000-000000000000"
    path = f"/gift-cards/{card['id']}"
    set_limits("pay", {"per_transfer": 100})

    assert [
        code_of(phone.post(f"/gift-cards/{unknown}/loads", {"amount": SOME})),
        code_of(phone.post(f"{path}/merges", {"into_id": card["id"]})),
        code_of(phone.post(f"{path}/refunds", None)),
        code_of(phone.post(f"{path}/loads", {"amount": SOME})),
        code_of(phone.post(f"/vouchers/{card['id']}/gifts", {"phone": "12"})),
        code_of(phone.post(f"/vouchers/{card['id']}/gifts", {"phone": "+12125550142"})),
        code_of(phone.post(f"/vouchers/{card['id']}/gifts", {"phone": BEN, "deliver_at": "9999-12-31T23:59:59Z"})),
        code_of(phone.post("/gift-cards", {"amount": {"amount_minor": 0, "currency": "USD"}})),
        code_of(phone.post("/gift-cards", {"amount": {"amount_minor": 1, "currency": "EUR"}})),
        code_of(phone.post(f"/vouchers/{other['id']}/gifts", {"phone": BEN})),
    ] == [
        (404, "voucher_unknown"),
        (422, "gift_cards_differ"),
        (409, "gift_card_moved"),
        (422, "limit_exceeded"),
        (422, "phone_invalid"),
        (422, "self_transfer"),
        (422, "invalid_input"),
        (422, "invalid_input"),
        (422, "currency_unknown"),
        (422, "voucher_used_up"),
    ]


def test_friend_reads_the_message_and_giver_learns_when_it_came(app: Flask, phone: Door) -> None:
    card, friend = buy(phone), _phone(app, BEN)
    asked = {"phone": "+1 (212) 555-0143", "message": "Happy birthday!"}

    given = phone.post(f"/vouchers/{card['id']}/gifts", asked, "G")
    assert phone.post(f"/vouchers/{card['id']}/gifts", asked, "G").json == given.json
    assert given.json and (given.json["status"], given.json["phone"], given.json["name"]) == ("scheduled", BEN, None)
    assert friend.get("/gifts").json == {"items": [], "next_cursor": None}
    assert friend.get(f"/gifts/{given.json['id']}").status_code == 404
    _deliver()

    [received] = (friend.get("/gifts?direction=in").json or {})["items"]
    assert (received["message"], received["phone"], received["name"]) == ("Happy birthday!", None, "+1 ••• 0142")
    [sent] = (phone.get("/gifts").json or {})["items"]
    assert (sent["status"], sent["direction"], sent["name"]) == ("delivered", "out", "+1 ••• 0143")
    assert friend.get(f"/vouchers/{card['id']}").status_code == 200
    assert code_of(phone.put(f"/gifts/{sent['id']}/cancellation", {})) == (409, "gift_ended")


def test_stranger_is_told_by_text_and_giver_may_take_it_back(app: Flask, phone: Door) -> None:
    card = buy(phone)
    given = phone.post(f"/vouchers/{card['id']}/gifts", {"phone": CLARA})
    _deliver()

    assert _texts() == [
        (CLARA, "+1 ••• 0142 gave you a Corner gift card of $20.00. Sign up with this number to receive it: "
                "https://corner.example/c/g")
    ]  # fmt: skip
    page = app.test_client().get("/c/g")
    assert (page.status_code, "A friend has a gift for you" in page.text) == (200, True)
    assert given.json
    back = phone.put(f"/gifts/{given.json['id']}/cancellation", {})
    assert (back.status_code, (back.json or {})["status"]) == (200, "cancelled")
    assert phone.get(f"/vouchers/{card['id']}").status_code == 200


def test_finance_reads_what_is_owed_as_json_and_as_a_table(phone: Door, staff: Door) -> None:
    buy(phone)

    found = staff.get("/gift-card-liability").json
    assert found
    [owed] = found["items"]
    assert (owed["currency"], owed["cards"], owed["outstanding_minor"]) == ("USD", 1, 2_000)
    assert owed["by_age"][0] == {"from_days": 0, "to_days": 30, "amount_minor": 2_000}
    assert owed["by_funder"] == [{"funder": "customers", "amount_minor": 2_000}]
    assert (owed["breakage"]["expected_minor"], "730 days" in owed["breakage"]["method"]) == (0, True)

    table = staff.get("/gift-card-liability.csv")
    rows = list(csv.reader(io.StringIO(table.get_data().decode("utf-8-sig"))))
    assert rows[:3] == [
        ["currency", "figure", "of", "amount_minor"],
        ["USD", "outstanding", "", "2000"],
        ["USD", "age", "0 to 29 days", "2000"],
    ]
    tomorrow = (clock.now() + timedelta(days=1)).isoformat().replace("+", "%2B")
    assert code_of(staff.get(f"/gift-card-liability?as_of={tomorrow}")) == (422, "instant_in_future")


def test_staff_refund_an_untouched_card_once(phone: Door, staff: Door) -> None:
    card = buy(phone)

    assert staff.post(f"/gift-cards/{card['id']}/refunds", None).json == {"id": card["id"]}
    assert code_of(staff.post(f"/gift-cards/{card['id']}/refunds", None)) == (409, "gift_card_moved")
    nobodys = "01900000-0000-7000-8000-000000000000"
    assert code_of(staff.post(f"/gift-cards/{nobodys}/refunds", None)) == (404, "not_found")


def _deliver() -> None:
    for reader in reactions.READERS:
        peers.readers.register([reader])
        while peers.readers.run_batch(reader, now=clock.now()) or peers.still_behind(reader):
            pass
    while deliveries.deliver_due(Brand("Corner", "https://corner.example"), clock.now()):
        pass


def _texts() -> list[tuple[str, str]]:
    with transaction() as session:
        opened = [messages.open_sealed(session, each) for each in session.scalars(select(Message).order_by(Message.id))]
    return [(recipient, content["body"]) for recipient, content in opened]
