"""The sandbox plays the provider: a developer sees each ending of a top-up without a network."""

from flask import Flask

from core import clock
from core.gateways.sandbox_payments import signed
from tests.wallet.doors import Door, customer_door, sign_up
from tests.wallet.topups.conftest import Shop, usd


def tell(app: Flask, *words: str) -> tuple[int, str]:
    told = app.test_cli_runner().invoke(args=["topups", "tell", *words])
    return told.exit_code, told.output.strip()


def cash(door: Door) -> int:
    return next(item["balance"]["amount_minor"] for item in door.ask("GET", "/wallet").json["items"])


def test_sheet_is_completed_and_taken_back_by_command(app: Flask) -> None:
    ana = customer_door(app, sign_up())
    prepared = ana.ask("POST", "/topups/intents", {"amount": usd(2500)}).json
    topup_id = prepared["topup"]["id"]
    assert prepared["client_secret"].startswith("sandbox_action_")
    assert prepared["publishable_key"] == "pk_sandbox"

    assert tell(app, topup_id, "charged") == (0, f"{topup_id} is succeeded, 0 USD of it went back")
    assert cash(ana) == 2500
    assert tell(app, topup_id, "refunded", "--amount", "500")[1].endswith("500 USD of it went back")
    assert [tell(app, topup_id, word)[0] for word in ("disputed", "won")] == [0, 0]
    assert cash(ana) == 2000
    assert [each["id"] for each in ana.ask("GET", "/payment-methods").json["items"]] == [
        "sandbox_ok",
        "sandbox_declined",
    ]


def test_3d_secure_waits_for_the_customer(app: Flask) -> None:
    ana = customer_door(app, sign_up())
    waiting = ana.ask("POST", "/topups", {"amount": usd(2500), "source": "sandbox_3ds"}).json

    assert (waiting["state"], waiting["action"]["publishable_key"]) == ("requires_action", "pk_sandbox")
    assert tell(app, waiting["id"], "declined")[0] == 0
    assert ana.ask("GET", f"/topups/{waiting['id']}").json["decline_code"] == "card_declined"


def test_command_knows_only_the_sandboxs_topups(app: Flask, shop: Shop) -> None:
    nobodys = "01900000-0000-7000-8000-000000000000"

    assert tell(app, nobodys, "charged") == (1, "Error: There is no such top-up.")
    assert tell(shop.app, nobodys, "charged")[1].startswith("Error: This deployment has a real payment provider")


def test_hook_believes_the_sandboxs_signature_alone(app: Flask) -> None:
    ana = customer_door(app, sign_up())
    topup_id = ana.ask("POST", "/topups/intents", {"amount": usd(2500)}).json["topup"]["id"]
    told = {"id": "n1", "kind": "charged", "reference": topup_id, "amount_minor": 2500, "currency": "USD"}
    body, headers = signed(told, at=clock.now())
    client = app.test_client()

    assert client.post("/hooks/stripe", data=body + b" ", headers=headers).json["code"] == "notice_forged"  # type: ignore[index]
    strange, its = signed({"id": "n2", "kind": "charged", "unknown": 1}, at=clock.now())
    assert client.post("/hooks/stripe", data=strange, headers=its).status_code == 200
    assert cash(ana) == 0
    assert client.post("/hooks/stripe", data=body, headers=headers).status_code == 200
    assert cash(ana) == 2500
