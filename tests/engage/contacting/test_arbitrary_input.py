"""Whatever comes in over HTTP, the answer is never a fault of ours, and what is refused leaves no trace."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core import clock, ids
from core.db import transaction
from core.web.principals import Principal
from engage.consents import preferences
from engage.contacting.models import PolicyRevision
from tests.engage.conftest import START, Open, Scene
from tests.engage.consents.test_links import path
from tests.engage.incoming.test_incoming import Twilio, twilio

__all__ = ["twilio"]  # a fixture

_ANY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

_WORDS = st.sampled_from(
    ("quiet", "caps", "control_bps", "from", "to", "channels", "channel", "per", "most", "push", "any", "day", "21:00")
)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | _WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORDS | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
_FIELDS = st.dictionaries(
    st.sampled_from(("shown.", "shown.sms.", "shown.sms.marketing", "sms.marketing")) | _TEXT, _TEXT
)


@pytest.fixture
def staff(open_for: Open) -> FlaskClient:
    return open_for(Principal("staff", ids.new(), frozenset(("contact_policy.read", "contact_policy.write"))))


@pytest.fixture
def public(open_for: Open) -> FlaskClient:
    return open_for()


@_ANY
@given(terms=_JSON, revision=_JSON)
def test_any_policy_is_kept_or_refused(staff: FlaskClient, terms: Any, revision: Any) -> None:
    before = revisions()

    answer = staff.put("/admin/v1/contact-policy", json={"terms": terms, "revision": revision})

    assert answer.status_code in (200, 400, 409, 422), answer.text
    assert len(revisions()) == len(before) + (answer.status_code == 200)


def revisions() -> list[int]:
    with transaction() as session:
        return list(session.scalars(select(PolicyRevision.revision)))


@_ANY
@given(token=_TEXT)
def test_any_link_is_answered(public: FlaskClient, token: str) -> None:
    for route in ("p", "u"):
        for method in (public.get, public.post):
            assert method(f"/{route}/{token}").status_code in (301, 308, 400, 404, 405)


@_ANY
@given(fields=_FIELDS)
def test_any_form_is_answered(scene: Scene, public: FlaskClient, fields: dict[str, str]) -> None:
    with clock.simulated(lambda: START):
        link = path(preferences.url(scene.customer()))
        assert public.post(link, data=fields).status_code in (200, 400, 409)


@_ANY
@given(sender=_TEXT, body=_TEXT, name=_TEXT, opt_out=_TEXT)
def test_any_message_is_taken_or_refused(twilio: Twilio, sender: str, body: str, name: str, opt_out: str) -> None:
    given_, more = f"whatsapp:{sender}" if len(body) % 2 else sender, {"MessageSid": name, "OptOutType": opt_out}

    assert twilio.bring(given_, body, **more).status_code in (200, 400)
