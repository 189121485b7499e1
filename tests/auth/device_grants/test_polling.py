"""A device asks again and again; it is let in once, when a person has said yes."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from auth import sessions
from auth.device_grants import deciding, user_codes
from auth.device_grants.models import DeviceGrant
from auth.oauth import clients, metadata
from core.db import transaction
from tests.auth.conftest import Phone, Watch
from tests.auth.device_grants.conftest import Device

WHO, ADDRESS = "customer:1", "192.0.2.9"


def waiting(user_code: str, watch: Watch) -> DeviceGrant | deciding.Wrong:
    with transaction() as session:
        return deciding.waiting(session, user_code=user_code, who=WHO, address=ADDRESS, now=watch.now)


def decide(user_code: str, phone: Phone, watch: Watch, *, is_yes: bool = True) -> None:
    """What the page does for who is signed in."""
    phone.sign_in()
    with transaction() as session:
        session_id = session.scalar(text("SELECT id FROM auth.session WHERE ended_at IS NULL ORDER BY id DESC LIMIT 1"))
        live = sessions.by_id(session, session_id, now=watch.now)
        assert live is not None
        grant = deciding.waiting(session, user_code=user_code, who=WHO, address=ADDRESS, now=watch.now)
        assert isinstance(grant, DeviceGrant)
        (deciding.approve if is_yes else deciding.deny)(session, grant, live, now=watch.now)


def test_a_device_is_told_what_to_show(television: Device, watch: Watch) -> None:
    told = television.ask().json

    assert (told["expires_in"], told["interval"]) == (900, 5)
    assert told["verification_uri_complete"] == f"{told['verification_uri']}?user_code={told['user_code']}"
    assert len(told["user_code"]) == 9 and told["user_code"][4] == "-"
    with transaction() as session:
        row = session.execute(text("SELECT device_code, user_code FROM auth.device_grant")).one()
    assert told["device_code"].encode() not in bytes(row.device_code) and len(row.user_code) == 32


def test_a_device_is_signed_in_once_somebody_says_yes(television: Device, phone: Phone, watch: Watch) -> None:
    told = television.ask(scope="openid").json
    assert television.poll(told["device_code"]).json["error"] == "authorization_pending"
    decide(told["user_code"], phone, watch)
    watch.move(seconds=5)

    answer = television.poll(told["device_code"])

    assert answer.status_code == 200, answer.json
    me = phone.client.get("/app/v1/me", headers={"Authorization": f"Bearer {answer.json['access_token']}"})
    assert me.status_code == 200
    assert {"refresh_token", "id_token"} <= set(answer.json)
    assert television.poll(told["device_code"]).json["error"] == "invalid_grant"


def test_a_device_is_bound_to_the_key_that_it_proves_when_it_collects(
    television: Device, phone: Phone, watch: Watch
) -> None:
    told = television.ask().json
    decide(told["user_code"], phone, watch)
    with transaction() as session:
        session.execute(text("UPDATE auth.client SET dpop = 'always' WHERE client_id = 'television'"))
    clients.forget_known()

    television.key = Ed25519PrivateKey.generate()

    assert television.poll(told["device_code"]).json["token_type"] == "DPoP"


def test_the_customer_is_told_of_a_device_that_was_let_in(television: Device, phone: Phone, watch: Watch) -> None:
    told = television.ask().json
    decide(told["user_code"], phone, watch)
    with transaction() as session:
        before = set(session.scalars(text("SELECT id FROM core.message")))

    assert television.poll(told["device_code"]).status_code == 200

    with transaction() as session:
        after = session.execute(text("SELECT id, purpose FROM core.message")).all()
    assert [row.purpose for row in after if row.id not in before] == ["transactional"]


def test_a_device_that_was_let_in_elsewhere_has_not_signed_in_itself(
    television: Device, phone: Phone, watch: Watch
) -> None:
    told = television.ask(scope="openid").json
    decide(told["user_code"], phone, watch)

    headers = {"Authorization": f"Bearer {television.poll(told['device_code']).json['access_token']}"}

    assert phone.client.get("/app/v1/sessions", headers=headers).status_code == 200
    for method, path in [("DELETE", "/app/v1/sessions"), ("POST", "/app/v1/passkeys/options")]:
        answer = phone.client.open(path, method=method, headers=headers)
        assert (answer.status_code, answer.json["code"]) == (401, "step_up_required")  # type: ignore[index]


def test_a_device_that_asks_too_soon_waits_longer_from_then_on(television: Device, watch: Watch) -> None:
    code = television.ask().json["device_code"]
    seen = []
    for seconds in (0, 4, 9, 10, 19, 20):
        watch.move(seconds=seconds)
        seen.append(television.poll(code).json["error"])

    # Too soon after 4 of 5 seconds, then after 9 of 10; 10 of 15 and 19 of 20; 20 of 20 are enough.
    soon, pending = "slow_down", "authorization_pending"
    assert seen == [pending, soon, soon, soon, soon, soon]
    watch.move(seconds=30)
    assert television.poll(code).json["error"] == pending


@pytest.mark.parametrize(("seconds", "error"), [(4.5, "authorization_pending"), (4.499, "slow_down")])
def test_the_network_may_be_half_a_second_quicker(television: Device, watch: Watch, seconds: float, error: str) -> None:
    code = television.ask().json["device_code"]
    television.poll(code)
    watch.move(seconds=seconds)

    assert television.poll(code).json["error"] == error


def test_a_no_is_final(television: Device, phone: Phone, watch: Watch) -> None:
    told = television.ask().json
    decide(told["user_code"], phone, watch, is_yes=False)

    assert television.poll(told["device_code"]).json["error"] == "access_denied"


def test_a_code_runs_out_after_a_quarter_of_an_hour(television: Device, phone: Phone, watch: Watch) -> None:
    told = television.ask().json
    watch.move(seconds=899)
    assert television.poll(told["device_code"]).json["error"] == "authorization_pending"
    assert isinstance(waiting(told["user_code"], watch), DeviceGrant)

    watch.move(seconds=1)

    assert television.poll(told["device_code"]).json["error"] == "expired_token"
    assert waiting(told["user_code"], watch) == deciding.Wrong()


def test_who_signed_out_meanwhile_lets_nobody_in(television: Device, phone: Phone, watch: Watch) -> None:
    told = television.ask().json
    decide(told["user_code"], phone, watch)
    with transaction() as session:
        for session_id in session.scalars(text("SELECT id FROM auth.session")).all():
            sessions.end(session, session_id, because="signed_out", now=watch.now)

    assert television.poll(told["device_code"]).json["error"] == "access_denied"


def test_another_clients_code_is_unknown(television: Device, device: Device, watch: Watch) -> None:
    code = television.ask().json["device_code"]

    assert device.poll(code).json["error"] == "invalid_grant"
    assert device.poll("x" * 43).json["error"] == "invalid_grant"
    assert device.poll("").json["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("client_id", "error"), [("pocketful-app", "unauthorized_client"), ("nobody", "invalid_client")]
)
def test_only_clients_that_may_ask_for_device_codes(device: Device, client_id: str, error: str) -> None:
    device.client_id, device.key = client_id, None

    assert device.ask().json["error"] == error
    assert (
        device.client.post(
            "/oauth/token", data={"client_id": client_id, "grant_type": metadata.DEVICE_GRANT, "device_code": "x"}
        ).json["error"]
        == error
    )  # type: ignore[index]


def test_a_scope_that_the_client_may_not_have_is_refused(television: Device) -> None:
    assert television.ask(scope="openid phone").json["error"] == "invalid_scope"


def test_one_address_asks_for_so_many_codes_an_hour(television: Device, watch: Watch) -> None:
    watch.now = watch.now.replace(minute=0)
    statuses = [television.ask().status_code for _ in range(61)]

    assert statuses == [200] * 60 + [429]
    television.address = "192.0.2.8"
    assert television.ask().status_code == 200


@pytest.mark.parametrize("spelt", ["{code}", "{lower}", "{bare}", " {spaced} "])
def test_a_code_may_be_typed_in_many_ways(television: Device, watch: Watch, spelt: str) -> None:
    code = television.ask().json["user_code"]
    typed = spelt.format(code=code, lower=code.lower(), bare=code.replace("-", ""), spaced=code.replace("-", " "))

    assert isinstance(waiting(typed, watch), DeviceGrant)


def test_codes_are_guessed_ten_times_an_hour(television: Device, watch: Watch) -> None:
    watch.now = watch.now.replace(minute=0)
    code = television.ask().json["user_code"]
    wrong = [waiting("BBBB-BBBB", watch) for _ in range(11)]

    assert wrong[:10] == [deciding.Wrong()] * 10
    assert wrong[10] == deciding.Wrong(3600 - watch.now.second)
    assert isinstance(waiting(code, watch), deciding.Wrong)  # and the right one neither
    watch.move(hours=1)
    assert isinstance(waiting(television.ask().json["user_code"], watch), DeviceGrant)


def test_right_codes_are_no_guesses(television: Device, watch: Watch) -> None:
    code = television.ask().json["user_code"]

    assert all(isinstance(waiting(code, watch), DeviceGrant) for _ in range(12))


def test_old_grants_are_forgotten(television: Device, watch: Watch) -> None:
    from auth.device_grants import polling

    television.ask()
    over = watch.now + timedelta(minutes=15, days=1)
    with transaction() as session:
        assert polling.forget(session, now=over - timedelta(seconds=1), most=10) == 0
        assert polling.forget(session, now=over, most=10) == 1


def test_user_codes_have_no_letter_that_is_taken_for_another() -> None:
    codes = {user_codes.new() for _ in range(200)}

    assert len(codes) == 200
    assert all(user_codes.normalised(user_codes.shown(code)) == code for code in codes)
    assert user_codes.normalised("AEIO-UUUU") is None and user_codes.normalised("BBBB-BBB") is None
