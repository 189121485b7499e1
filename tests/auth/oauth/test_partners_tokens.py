"""What a partner gets of a sign-in: an id token, names of its own for customers, and what they let it know."""

from typing import Any
from uuid import UUID

import jwt
import pytest
from flask import Flask

from auth import birthdays, staff, tokens
from auth.keys import rotating
from auth.models import Customer, Staff
from auth.oauth.models import TokenFamily
from core import clock
from core.db import transaction
from tests.auth.conftest import PHONE, VERIFIER, Watch
from tests.auth.oauth.conftest import registered
from tests.auth.oauth.granting import REDIRECT_URI, Relying, code_for, customer
from tests.suspending import suspend


@pytest.fixture
def partner(app: Flask, watch: Watch) -> Relying:
    return Relying(app, *registered())


def assert_refused(answer: Any, error: str = "invalid_grant") -> None:
    assert (answer.status_code, answer.json["error"]) == (400, error)


def opened(app: Flask, token: str, **options: Any) -> dict[str, Any]:
    """An id token, checked by another library than signed it, with the published keys."""
    published: Any = app.test_client().get("/.well-known/jwks.json").json
    keys = published["keys"]
    kid = jwt.get_unverified_header(token)["kid"]
    key = jwt.PyJWK(next(key for key in keys if key["kid"] == kid))
    claims: dict[str, Any] = jwt.decode(
        token, key, algorithms=[key.algorithm_name], options={"verify_exp": False, "verify_iat": False}, **options
    )
    return claims


def test_an_id_token_tells_one_client_who_signed_in(app: Flask, partner: Relying) -> None:
    customer_id = customer()
    code = code_for(partner.client_id, customer_id, nonce="n-0S6_WzA2Mj")

    answer = partner.redeem(code).json

    claims = opened(app, answer["id_token"], audience=partner.client_id)
    assert jwt.get_unverified_header(answer["id_token"]).keys() == {"alg", "typ", "kid"}
    assert claims["iss"] == tokens.issuer()
    assert claims["nonce"] == "n-0S6_WzA2Mj"
    assert (claims["acr"], claims["amr"]) == ("1fa", ["otp", "sms"])
    assert claims["auth_time"] == int(clock.now().timestamp()) == claims["iat"] == claims["exp"] - 600
    assert str(customer_id) not in str(claims)
    assert answer["scope"] == "openid"
    assert "refresh_token" not in answer  # nobody granted offline_access


def test_two_partners_know_one_customer_by_two_names_and_two_sessions(app: Flask, partner: Relying) -> None:
    other = Relying(app, *registered(redirect_uris=["https://other.example/callback"]))
    same_sector = Relying(app, *registered())
    customer_id = customer()

    told = [
        opened(
            app,
            each.redeem(code_for(each.client_id, customer_id, redirect_uri=REDIRECT_URI)).json["id_token"],
            audience=each.client_id,
        )
        for each in (partner, other, same_sector, partner)
    ]

    subjects, sessions = [claims["sub"] for claims in told], [claims["sid"] for claims in told]
    assert subjects[0] != subjects[1]
    assert subjects[0] == subjects[2] == subjects[3]
    assert len(set(sessions)) == 4


def test_userinfo_tells_what_the_scopes_say_and_no_more(app: Flask, partner: Relying) -> None:
    customer_id = customer()
    with transaction() as session:
        row = session.get_one(Customer, customer_id)
        birthdays.put(session, row, "02-28", now=clock.now())

    def told(scope: str) -> dict[str, Any]:
        access_token = partner.redeem(code_for(partner.client_id, customer_id, scope=scope)).json["access_token"]
        answer = partner.userinfo(access_token)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        found: dict[str, Any] = answer.json
        return found

    sub = told("openid")["sub"]
    assert told("openid") == {"sub": sub}
    assert told("openid phone") == {"sub": sub, "phone_number": PHONE, "phone_number_verified": True}
    assert told("openid profile") == {
        "sub": sub, "locale": "en-GB", "zoneinfo": "Europe/London", "birthdate": "0000-02-28"
    }  # fmt: skip
    assert told("openid email") == {"sub": sub}  # nobody proved an address


def test_userinfo_wants_a_token_in_the_header_with_openid(app: Flask, partner: Relying) -> None:
    access_token = partner.redeem(code_for(partner.client_id, customer(), scope="phone")).json["access_token"]
    openid = partner.redeem(code_for(partner.client_id, customer())).json["access_token"]
    client = app.test_client()

    assert (partner.userinfo(access_token).status_code, partner.userinfo(access_token).json["error"]) == (
        403,
        "insufficient_scope",
    )
    nobody = client.get("/oauth/userinfo")
    assert (nobody.status_code, nobody.headers["WWW-Authenticate"]) == (401, 'Bearer realm="pocketful"')
    for elsewhere in (
        client.post("/oauth/userinfo", data={"access_token": openid}),
        client.get(f"/oauth/userinfo?access_token={openid}"),
        client.get("/oauth/userinfo", headers={"Authorization": f"Basic {openid}"}),
        client.get("/oauth/userinfo", headers={"Authorization": "Bearer x"}),
        client.get("/oauth/userinfo", headers={"Authorization": f"DPoP {openid}"}),
    ):
        assert elsewhere.status_code == 401


def test_a_partners_token_opens_no_door(app: Flask, partner: Relying) -> None:
    access_token = partner.redeem(code_for(partner.client_id, customer())).json["access_token"]
    bearer = {"Authorization": f"Bearer {access_token}"}

    for path in ("/app/v1/me", "/admin/v1/clients", "/merchant/v1/checkouts"):
        assert app.test_client().get(path, headers=bearer).status_code in (401, 404, 405)
    assert app.test_client().get("/app/v1/me", headers=bearer).status_code == 401


def test_a_suspended_customer_is_told_of_no_more(app: Flask, partner: Relying) -> None:
    customer_id = customer()
    access_token = partner.redeem(code_for(partner.client_id, customer_id)).json["access_token"]
    with transaction() as session:
        suspend(session, customer_id)

    assert partner.userinfo(access_token).status_code == 401


def test_a_code_is_redeemed_at_the_address_that_it_was_sent_to(app: Flask, partner: Relying) -> None:
    customer_id = customer()

    assert_refused(partner.redeem(code_for(partner.client_id, customer_id), redirect_uri=f"{REDIRECT_URI}/"))
    assert_refused(partner.redeem(code_for(partner.client_id, customer_id), redirect_uri=None))
    nowhere = code_for(partner.client_id, customer_id, redirect_uri=None)
    assert_refused(partner.redeem(nowhere))
    assert partner.redeem(nowhere, redirect_uri=None).status_code == 200


def test_a_code_is_its_own_clients(app: Flask, partner: Relying) -> None:
    other = Relying(app, *registered())
    code = code_for(partner.client_id, customer())

    assert_refused(other.redeem(code))
    assert partner.redeem(code).status_code == 200


def test_a_confidential_client_may_leave_pkce_out_but_not_mix_it(app: Flask, partner: Relying) -> None:
    customer_id = customer()

    assert (
        partner.redeem(code_for(partner.client_id, customer_id, code_challenge=None), code_verifier=None).status_code
        == 200
    )
    assert_refused(partner.redeem(code_for(partner.client_id, customer_id, code_challenge=None)))
    assert_refused(partner.redeem(code_for(partner.client_id, customer_id), code_verifier=None))
    assert partner.redeem(code_for(partner.client_id, customer_id), code_verifier=VERIFIER).status_code == 200


def test_offline_access_comes_with_a_refresh_token_that_can_ask_for_less(app: Flask, partner: Relying) -> None:
    granted = "openid offline_access phone"
    first = partner.redeem(code_for(partner.client_id, customer(), scope=granted)).json

    narrow = partner.refresh(first["refresh_token"], scope="openid")

    assert narrow.json["scope"] == "openid"
    assert "id_token" not in narrow.json
    assert "phone_number" not in partner.userinfo(narrow.json["access_token"]).json
    wide = partner.refresh(narrow.json["refresh_token"])
    assert wide.json["scope"] == granted
    assert_refused(partner.refresh(wide.json["refresh_token"], scope="openid email"), "invalid_scope")
    assert partner.refresh(wide.json["refresh_token"]).status_code == 200  # a refusal spent nothing


def test_a_token_is_introspected_by_its_own_client_alone(app: Flask, partner: Relying, watch: Watch) -> None:
    other = Relying(app, *registered())
    scope = "openid offline_access"
    granted = partner.redeem(code_for(partner.client_id, customer(), scope=scope)).json

    for name in ("access_token", "refresh_token"):
        told = partner.introspect(granted[name]).json
        assert (told["active"], told["client_id"], told["scope"]) == (True, partner.client_id, scope)
        assert told["sub"] == partner.userinfo(granted["access_token"]).json["sub"]
        assert other.introspect(granted[name]).json == {"active": False}
    successor = partner.refresh(granted["refresh_token"]).json
    assert partner.introspect(granted["refresh_token"]).json == {"active": False}
    assert partner.introspect("☃").json == {"active": False}
    partner.post("/oauth/revoke", token=successor["refresh_token"])
    assert partner.introspect(successor["refresh_token"]).json == {"active": False}
    assert partner.introspect(successor["access_token"]).json == {"active": False}
    public = Relying(app, "pocketful-app").introspect("x")
    assert (public.status_code, public.json["error"]) == (401, "invalid_client")


def test_nobody_revokes_another_clients_tokens(app: Flask, partner: Relying) -> None:
    other = Relying(app, *registered())
    granted = partner.redeem(code_for(partner.client_id, customer(), scope="openid offline_access")).json

    for name in ("access_token", "refresh_token"):
        assert other.post("/oauth/revoke", token=granted[name]).status_code == 200

    assert partner.userinfo(granted["access_token"]).status_code == 200
    assert partner.refresh(granted["refresh_token"]).status_code == 200


def test_a_client_gets_no_grant_that_is_not_its_own(app: Flask, partner: Relying) -> None:
    no_refresh = Relying(app, *registered(grant_types=["authorization_code"]))
    granted = no_refresh.redeem(code_for(no_refresh.client_id, customer(), scope="openid offline_access")).json

    assert "refresh_token" not in granted
    assert_refused(no_refresh.refresh("x"), "unauthorized_client")
    assert_refused(partner.post("/oauth/token", grant_type="client_credentials"), "unauthorized_client")
    assert_refused(partner.post("/oauth/token", grant_type='pass"wörd'), "unsupported_grant_type")
    assert_refused(partner.post("/oauth/token"), "invalid_request")


def test_staff_are_signed_out_with_their_status_and_by_the_clock(app: Flask, watch: Watch) -> None:
    with transaction() as session:
        person = staff.add(session, email="kim@brand.example", name="Kim", permissions=["clients.read"], now=watch.now)
        staff_id = person.id
    admin = Relying(app, "pocketful-admin")
    code = code_for("pocketful-admin", staff_id=staff_id, scope="openid offline_access", redirect_uri=None)
    granted = admin.redeem(code, redirect_uri=None).json
    bearer = {"Authorization": f"Bearer {granted['access_token']}"}
    assert app.test_client().get("/admin/v1/clients", headers=bearer).status_code == 200

    watch.move(minutes=30, seconds=-1)
    granted = admin.refresh(granted["refresh_token"]).json
    watch.move(minutes=30)
    assert_refused(admin.refresh(granted["refresh_token"]))

    code = code_for("pocketful-admin", staff_id=staff_id, scope="openid", redirect_uri=None)
    granted = admin.redeem(code, redirect_uri=None).json
    with transaction() as session:
        session.get_one(Staff, staff_id).status = "suspended"
    assert_refused(admin.refresh(granted["refresh_token"]))


def test_staff_are_signed_out_after_eight_hours(app: Flask, watch: Watch) -> None:
    with transaction() as session:
        staff_id = staff.add(session, email="kim@brand.example", name="Kim", permissions=[], now=watch.now).id
    admin = Relying(app, "pocketful-admin")
    token = admin.redeem(
        code_for("pocketful-admin", staff_id=staff_id, scope="openid", redirect_uri=None), redirect_uri=None
    ).json["refresh_token"]

    for _ in range(24):
        watch.move(minutes=20)
        answer = admin.refresh(token)
        token = answer.json.get("refresh_token", token)

    assert_refused(answer)


def test_a_code_that_comes_twice_ends_what_it_gave_and_no_web_session(app: Flask, partner: Relying) -> None:
    code = code_for(partner.client_id, customer(), scope="openid offline_access")
    granted = partner.redeem(code).json

    assert_refused(partner.redeem(code))

    assert_refused(partner.refresh(granted["refresh_token"]))
    assert partner.userinfo(granted["access_token"]).status_code == 401
    with transaction() as session:
        assert {family.revoked_because for family in session.query(TokenFamily)} == {"code_reused"}


def test_an_id_token_signed_by_rsa_is_for_who_asked_for_it(app: Flask, watch: Watch) -> None:
    rotating.open_ring(watch.now)
    partner = Relying(app, *registered(id_token_alg="RS256"))

    answer = partner.redeem(code_for(partner.client_id, customer()))

    claims = opened(app, answer.json["id_token"], audience=partner.client_id)
    assert jwt.get_unverified_header(answer.json["id_token"])["alg"] == "RS256"
    assert UUID(claims["sid"])
