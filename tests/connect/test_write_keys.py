"""Write keys that staff make and revoke, and how far those who hold them are believed."""

from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from segment.analytics.client import Client

import connect.api.write_keys
from auth import emails
from auth.models import Customer
from connect import write_keys
from connect.errors import WriteKeyRevoked, WriteKeyUnknown
from connect.sources import Sources
from core import clock, crypto, db
from core.settings import Settings
from insights.identities import links
from tests.connect.conftest import Served
from tests.connect.people import NOW, logged
from tests.insights import doors
from tests.insights.log import a_customer, play


class Seconds:
    """A clock that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def sources(database: None, seconds: Seconds) -> Sources:
    return Sources(Settings(environment="test", ingest_write_keys="web:configured"), seconds=seconds)


def made(source: str = "crm", trust: str = "server") -> tuple[UUID, str]:
    with db.transaction() as session:
        row, key = write_keys.make(session, source=source, trust=trust, actor="staff:test", now=NOW)
        return row.id, key


def revoke(key_id: UUID) -> None:
    with db.transaction() as session:
        write_keys.revoke(session, key_id, actor="staff:test", now=NOW)


def test_keys_of_the_settings_are_clients(sources: Sources) -> None:
    assert (sources.of("configured").name, sources.of("configured").is_server) == ("web", False)


def test_a_key_that_was_made_lets_its_source_in(sources: Sources) -> None:
    with pytest.raises(WriteKeyUnknown):
        sources.of("nothing of ours")

    _, key = made()
    with pytest.raises(WriteKeyUnknown):
        sources.of(key)  # this process looked a moment ago
    sources._seconds.now += 1.0  # type: ignore[attr-defined]

    assert (sources.of(key).name, sources.of(key).is_server) == ("crm", True)


def test_a_revoked_key_is_refused_within_five_seconds(sources: Sources, seconds: Seconds) -> None:
    key_id, key = made()
    with clock.simulated(lambda: NOW):
        sources.of(key)
        sources.of(key)

        revoke(key_id)
        seconds.now += 4.9
        assert sources.of(key).name == "crm"
        seconds.now += 0.1

        with pytest.raises(WriteKeyRevoked):
            sources.of(key)


def test_the_day_of_last_use_is_kept_once_a_day(sources: Sources) -> None:
    key_id, key = made()

    with clock.simulated(lambda: NOW):
        for _ in range(3):
            sources.of(key)

    with db.transaction() as session:
        [row] = write_keys.page(session, after=None, limit=10)
    assert (row.id, row.last_used_on) == (key_id, NOW.date())


@pytest.mark.parametrize("key", ["", "\ud800", "\0", "x" * 10_000, "naïve"])
def test_a_key_of_odd_characters_is_unknown(ingest: FlaskClient, key: str) -> None:
    answer = ingest.post("/v1/batch", json={"batch": [], "writeKey": key})

    assert answer.status_code == 401 and answer.json is not None
    assert answer.json["code"] == "write_key_unknown"


def test_a_revoked_key_is_401_with_a_code_of_its_own(ingest: FlaskClient) -> None:
    key_id, key = made()
    revoke(key_id)

    answer = ingest.post("/v1/batch", json={"batch": []}, auth=(key, ""))

    assert answer.status_code == 401 and answer.json is not None
    assert answer.json["code"] == "write_key_revoked"
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_segment_client_with_a_revoked_key_drops_what_it_holds(served: Served) -> None:
    key_id, key = made()
    revoke(key_id)
    errors: list[object] = []
    client = Client(key, host=served.url, upload_interval=0.05, on_error=lambda e, _: errors.append(e))

    client.track("somebody", "Tried")
    client.flush()
    client.join()

    assert [getattr(error, "status", None) for error in errors] == [401]
    assert logged() == []


@pytest.fixture
def staff(database: None, settings: Settings) -> FlaskClient:
    return doors.staff(settings, [connect.api.write_keys.blueprint], frozenset({"sources.write"}))


def test_staff_make_list_and_revoke_keys_and_see_one_only_once(staff: FlaskClient) -> None:
    answer = staff.post("/admin/v1/write-keys", json={"source": "crm", "trust": "server"})
    made_key = answer.get_json()
    listed = staff.get("/admin/v1/write-keys").get_json()["items"]
    revoked = [
        staff.put(f"/admin/v1/write-keys/{made_key['id']}/status", json={"status": "revoked"}).get_json()
        for _ in range(2)
    ]

    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    assert len(made_key.pop("key")) == 32
    assert listed == [made_key]
    assert revoked[0] == revoked[1] and revoked[0]["status"] == "revoked"
    with db.transaction() as session:
        rows = db.connection_of(session).execute("SELECT action FROM core.audit_entry ORDER BY id").fetchall()
        kept = db.connection_of(session).execute("SELECT * FROM connect.write_key").fetchone()
    assert rows == [("write_key.make",), ("write_key.revoke",)]
    assert kept is not None and len(kept[2]) == 32


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"source": "", "trust": "client"},
        {"source": "Web Shop", "trust": "client"},
        {"source": "x" * 65, "trust": "client"},
        {"source": "pocketful", "trust": "server"},
        {"source": "web", "trust": "full"},
        {"source": "web"},
    ],
)
def test_what_is_no_source_is_refused(staff: FlaskClient, body: dict[str, Any]) -> None:
    assert staff.post("/admin/v1/write-keys", json=body).status_code == 422
    assert staff.get("/admin/v1/write-keys").get_json()["items"] == []


def test_a_revoked_key_is_not_given_back_and_an_unknown_one_is_404(staff: FlaskClient) -> None:
    key_id, _ = made()

    assert staff.put(f"/admin/v1/write-keys/{key_id}/status", json={"status": "active"}).status_code == 422
    assert staff.put(f"/admin/v1/write-keys/{UUID(int=7)}/status", json={"status": "revoked"}).status_code == 404


def test_each_view_needs_its_permission(database: None, settings: Settings) -> None:
    nobody = doors.staff(settings, [connect.api.write_keys.blueprint], frozenset({"customers.read"}))

    assert nobody.post("/admin/v1/write-keys", json={"source": "web", "trust": "client"}).status_code == 403
    assert nobody.get("/admin/v1/write-keys").status_code == 403
    assert nobody.put(f"/admin/v1/write-keys/{UUID(int=7)}/status", json={"status": "revoked"}).status_code == 403


EMAIL, PHONE = "ada@example.com", "+12125550142"


def with_email(customer_id: UUID, *, is_proved: bool = True) -> None:
    with db.transaction() as session:
        row = session.get(Customer, customer_id)
        assert row is not None
        place = "auth.customer.email"
        row.email = crypto.seal(session, owner_id=customer_id, place=place, row_id=customer_id, text=EMAIL)
        row.email_index = emails.index_of(EMAIL)
        row.email_verified_at = NOW if is_proved else None


def evidence_of(customer_id: UUID) -> list[str]:
    with db.transaction() as session:
        return [link.evidence for link in links.of(session, customer_id, limit=10)]


def identify(app: Flask, key: str, traits: dict[str, Any], **more: Any) -> None:
    call = {"type": "identify", "userId": "crm-17", "traits": traits, **more}
    answer = app.test_client().post("/v1/batch", json={"batch": [call]}, auth=(key, ""))
    assert answer.json == {"success": True}
    play()


@pytest.mark.parametrize(
    ("traits", "evidence"),
    [
        ({"phone": "+1 (212) 555-0142"}, "phone"),
        ({"email": " Ada@Example.com"}, "email"),
        ({"phone": PHONE, "email": EMAIL}, "phone"),
        ({"phone": "no number", "email": EMAIL}, "email"),
    ],
)
def test_a_server_links_by_a_proved_address(ingest_app: Flask, traits: dict[str, Any], evidence: str) -> None:
    customer_id = a_customer(PHONE)
    with_email(customer_id)
    _, key = made()

    identify(ingest_app, key, {**traits, "plan": "gold"})

    assert evidence_of(customer_id) == [evidence]
    [event] = logged()
    assert (event["customer_id"], event["payload"]["known_by"]) == (customer_id, evidence)
    assert event["payload"]["traits"] == {"plan": "gold"}  # the rest is sealed


def test_an_address_that_was_not_proved_links_nobody(ingest_app: Flask) -> None:
    customer_id = a_customer(PHONE)
    with_email(customer_id, is_proved=False)
    _, key = made()

    identify(ingest_app, key, {"email": EMAIL})

    assert logged()[0]["customer_id"] is None
    assert evidence_of(customer_id) == []


def test_a_client_that_tells_anothers_address_links_nothing(ingest_app: Flask) -> None:
    customer_id = a_customer(PHONE)
    with_email(customer_id)
    _, key = made("web", "client")

    identify(ingest_app, key, {"email": EMAIL, "phone": PHONE})

    assert logged()[0]["customer_id"] is None
    assert evidence_of(customer_id) == []


def test_a_server_that_knows_our_own_id_goes_before_a_client(ingest_app: Flask) -> None:
    first, second = a_customer(PHONE), a_customer("+12125550143")
    _, client = made("web", "client")
    _, server = made("crm", "server")

    identify(ingest_app, client, {}, userId=str(first), anonymousId="visitor-1")
    identify(ingest_app, server, {}, userId=str(second), anonymousId="visitor-1")

    assert (evidence_of(first), evidence_of(second)) == (["client"], ["server"])


@pytest.mark.parametrize("nobody", ["null", "undefined", "0", "guest", "anonymous", "test", "x1", "00000000-0000"])
def test_an_id_that_many_write_who_have_none_links_nothing(ingest_app: Flask, nobody: str) -> None:
    customer_id = a_customer(PHONE)
    _, key = made()

    identify(ingest_app, key, {}, userId=str(customer_id), anonymousId=nobody)
    identify(ingest_app, key, {"phone": PHONE}, userId=nobody)

    assert evidence_of(customer_id) == []
    assert [event["customer_id"] for event in logged()] == [customer_id, customer_id]
