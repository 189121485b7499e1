"""A customer signs in to the brand's app by a texted code, and is known in the brand's second app without being asked.

Everything goes through the doors, as two apps on one telephone would ask (OpenID Native SSO).
"""

import re
import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient

from app.demo.stage import Scene
from app.demo.telling import Section
from app.factory import create_app
from auth import customers, tokens
from auth.oauth import clients, metadata, pkce, registering
from auth.sessions.exchanging import DEVICE_SECRET, ID_TOKEN
from core.db import transaction
from core.delivery import work
from core.gateways import sandbox
from core.settings import Settings

FIRST, SECOND = "pocketful-app", "demo-second-app"

_SCOPE = "openid offline_access device_sso"


def play(scene: Scene, settings: Settings, *, actor: str, at: datetime) -> Section:
    """Sign one household in, in both apps; the clock stands at `at`."""
    household = min(scene.households)
    customer_id = scene.households[household]
    _add_second_app(actor=actor, now=at)
    with transaction() as session:
        number = customers.phone_of(session, customer_id)
    app = create_app(settings)
    before = _texts_to(number)
    telephone = app.test_client(use_cookies=False)
    first = _sign_in(telephone, app.extensions["gateways"], number, at=at)
    asked = len(_texts_to(number)) - len(before)
    second = _exchange(telephone, first)

    return Section(
        title="One login for two apps",
        words=f"Household {household} signs in to the brand's app by a texted code. The brand's second app on the\n"
        "same telephone shows what the first was given for the device, and is let in without a word.",
        headings=("", "codes texted", "signed in", "the same customer"),
        rows=[
            ("the first app", f"{asked}", "yes", _is(telephone, first, customer_id)),
            ("the second app", f"{len(_texts_to(number)) - len(before) - asked}", "yes",
             _is(telephone, second, customer_id)),
        ],
        notes=(_ended_together(telephone, first, second),),
    )  # fmt: skip


def _add_second_app(*, actor: str, now: datetime) -> None:
    """A client of the brand's group, as staff would register it."""
    given = {
        "client_id": SECOND,
        "name": "The brand's second app",
        "kind": "app",
        "sso_group": "brand",
        "redirect_uris": [],
        "grant_types": ["authorization_code", "refresh_token", metadata.EXCHANGE_GRANT],
        "scopes": ["openid", "offline_access", "device_sso"],
    }
    with transaction() as session:
        registering.add(session, given=given, made_by=actor, may_be_local=True, now=now)
    clients.forget_known()


def _sign_in(telephone: FlaskClient, gateways: Any, number: str, *, at: datetime) -> dict[str, Any]:
    verifier = secrets.token_urlsafe(32)
    challenge = {"code_challenge": pkce.challenge_of(verifier), "code_challenge_method": "S256", "scope": _SCOPE}
    asked = _post(telephone, "authorize-challenge", client_id=FIRST, login_hint=number, **challenge)
    known = set(_texts_to(number))
    work.send_due(gateways, at)
    [text] = [text for text in _texts_to(number) if text not in known]
    code = re.findall(r"\b\d{6}\b", text)[0]
    proved = _post(telephone, "authorize-challenge", client_id=FIRST, auth_session=asked["auth_session"], otp=code)
    granted = {"grant_type": "authorization_code", "code": proved["authorization_code"], "code_verifier": verifier}
    return _post(telephone, "token", client_id=FIRST, **granted)


def _exchange(telephone: FlaskClient, first: dict[str, Any]) -> dict[str, Any]:
    shown = {
        "subject_token": first["id_token"],
        "subject_token_type": ID_TOKEN,
        "actor_token": first["device_secret"],
        "actor_token_type": DEVICE_SECRET,
    }
    asked = {"grant_type": metadata.EXCHANGE_GRANT, "audience": tokens.issuer(), "scope": "openid offline_access"}
    return _post(telephone, "token", client_id=SECOND, **asked, **shown)


def _is(telephone: FlaskClient, granted: dict[str, Any], customer_id: UUID) -> str:
    told = telephone.get("/app/v1/me", headers={"Authorization": f"Bearer {granted['access_token']}"})
    return "yes" if told.status_code == 200 and (told.json or {}).get("id") == str(customer_id) else "no"


def _ended_together(telephone: FlaskClient, first: dict[str, Any], second: dict[str, Any]) -> str:
    """Sign out of the first app, and see what the second one's refresh token is worth then."""
    _post(telephone, "revoke", client_id=FIRST, token=first["device_secret"])
    form = {"grant_type": "refresh_token", "refresh_token": second["refresh_token"], "client_id": SECOND}
    refused = telephone.post("/oauth/token", data=form)
    ended = (refused.json or {}).get("error") == "invalid_grant"
    return f"Signed out of the first, the second is signed out as well: {'yes' if ended else 'no'}."


def _post(telephone: FlaskClient, path: str, **form: str) -> dict[str, Any]:
    answer = telephone.post(f"/oauth/{path}", data=form)
    # What the app has to do next is told with a 400 (OAuth 2.0 for First-Party Applications).
    if answer.status_code != 200 and "auth_session" not in (answer.json or {}):
        raise AssertionError(f"/oauth/{path} answered {answer.status_code}: {answer.json}")
    told: dict[str, Any] = answer.get_json(silent=True) or {}
    return told


def _texts_to(number: str) -> list[str]:
    with transaction() as session:
        return [message.content["body"] for message in sandbox.kept(session, recipient=number)]
