"""What a customer sees and changes of themselves."""

from typing import Any

from tests.auth.conftest import PHONE, Phone


def change(app: Phone, **fields: Any) -> Any:
    header = {"Authorization": f"Bearer {app.sign_in()['access_token']}"}
    return app.client.patch("/app/v1/me", json=fields, headers=header)


def test_language_and_time_zone_change_and_what_is_not_named_stays(phone: Phone) -> None:
    assert change(phone, locale="es-US").json["locale"] == "es-US"

    answer = change(phone, time_zone="America/Denver")

    assert (answer.json["phone"], answer.json["locale"], answer.json["time_zone"]) == (PHONE, "es-US", "America/Denver")
    assert change(phone, time_zone=None).json["time_zone"] is None


def test_nothing_else_can_be_changed(phone: Phone) -> None:
    tokens = phone.sign_in()
    for name in ("id", "phone", "status", "created_at", "balance"):
        header = {"Authorization": f"Bearer {tokens['access_token']}"}
        answer = phone.client.patch("/app/v1/me", json={name: "x"}, headers=header)
        assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, f"/{name}")


def test_what_is_no_language_or_time_zone_is_refused(phone: Phone) -> None:
    assert change(phone, locale="klingon!").status_code == 422
    assert change(phone, time_zone="Mars/Base").json["code"] == "time_zone_unknown"


def test_the_language_of_the_device_is_kept_at_sign_up(phone: Phone) -> None:
    auth_session = phone.ask(ui_locales="fr-CA en").json["auth_session"]
    code = phone.prove(auth_session, phone.read_code()).json["authorization_code"]
    header = {"Authorization": f"Bearer {phone.redeem(code).json['access_token']}"}

    assert phone.client.get("/app/v1/me", headers=header).json["locale"] == "fr-CA"
