"""Events that came in under another name become the customer's, from the door to the profile and the timeline."""

import time
from collections.abc import Iterator
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from segment.analytics.client import Client

from connect import identities
from connect.errors import IdentityTaken, LinkRefused
from connect.models import ExternalIdentity
from connect.reactions import READERS
from core import db, ids
from core.errors import NotFound
from core.events import readers
from insights import timeline
from insights.identities import links
from tests.connect.conftest import WRITE_KEY, Served
from tests.connect.people import NOW, logged
from tests.insights.log import NOON, a_customer, profile, read

CAMPAIGN = {"campaign": {"source": "newsletter", "medium": "email", "name": "autumn"}}


@pytest.fixture
def segment(served: Served) -> Iterator[Client]:
    client = Client(WRITE_KEY, host=served.url, upload_interval=0.05)
    yield client
    client.join()


def names_of(customer_id: UUID) -> list[str]:
    with db.transaction() as session:
        found = timeline.of(session, customer_id, limit=50)
    return sorted(moment.name for moment in found if moment.source != "pocketful")


def map_external(external_id: str, customer_id: UUID, *, source: str = "web") -> None:
    with db.transaction() as session:
        identities.map_external(
            session, source=source, external_id=external_id, customer_id=customer_id, actor="staff:test", now=NOW
        )


@pytest.mark.parametrize("how", ["identify", "alias"])
def test_what_segments_client_reported_anonymously_becomes_the_customers(segment: Client, how: str) -> None:
    customer_id = a_customer()

    segment.page(anonymous_id="a-1", name="Home", context=CAMPAIGN)
    segment.track(anonymous_id="a-1", event="Product Viewed", properties={"sku": "1"})
    segment.track(anonymous_id="a-2", event="Product Viewed")
    if how == "identify":
        segment.identify(str(customer_id), {"plan": "gold"}, anonymous_id="a-1")
    else:
        segment.alias("a-1", str(customer_id))
    segment.flush()
    read()

    found = profile(customer_id)
    assert found.first_touch is not None and found.first_touch.campaign == "autumn"
    assert found.phase == "consideration"
    assert found.traits == ({"plan": "gold"} if how == "identify" else {})
    assert names_of(customer_id) == [f"outside.{how}", "outside.page", "product.viewed"]


def test_another_systems_id_becomes_the_customers_with_its_past(ingest: FlaskClient) -> None:
    customer_id = a_customer()
    call = {"type": "track", "event": "Product Viewed", "userId": "crm-17", "context": CAMPAIGN}
    ingest.post("/v1/batch", json={"batch": [call]}, auth=(WRITE_KEY, ""))
    assert logged()[-1]["customer_id"] is None

    map_external("crm-17", customer_id)
    ingest.post("/v1/batch", json={"batch": [call]}, auth=(WRITE_KEY, ""))
    read()

    assert logged()[-1]["customer_id"] == customer_id
    assert sources_of(customer_id) == "newsletter"
    assert names_of(customer_id) == ["product.viewed", "product.viewed"]


def test_undoing_a_mapping_also_forgets_it_and_it_can_be_mapped_anew(ingest: FlaskClient) -> None:
    wrong, right = a_customer(), a_customer("+12125550143")
    other = a_customer("+12125550144")
    map_external("crm-17", wrong)
    map_external("crm-18", wrong)
    map_external("crm-17", other, source="till")
    read()
    call = {"type": "track", "event": "Product Viewed", "userId": "crm-17"}

    with db.transaction() as session:
        [link] = [each for each in links.of(session, wrong, limit=9) if each.subject_id == subject_of("crm-17")]
        links.undo(session, link.id, actor="staff:test", now=NOON)
    take_undone()
    ingest.post("/v1/batch", json={"batch": [call]}, auth=(WRITE_KEY, ""))
    assert logged()[-1]["customer_id"] is None
    with pytest.raises(LinkRefused):
        map_external("crm-17", wrong)
    map_external("crm-17", right)
    ingest.post("/v1/batch", json={"batch": [call, {**call, "userId": "crm-18"}]}, auth=(WRITE_KEY, ""))

    assert [event["customer_id"] for event in logged()[-2:]] == [right, wrong]
    ingest.post("/v1/batch", json={"batch": [call]}, auth=("key-of-the-tills", ""))
    assert logged()[-1]["customer_id"] == other


def subject_of(external_id: str) -> str:
    return identities._user_subject("web", external_id)


def take_undone() -> None:
    """Let the door's reader come to the end of the log."""
    readers.register(READERS)
    deadline = time.monotonic() + 30
    while mapped("crm-17"):
        assert time.monotonic() < deadline, "it is never forgotten"
        if not sum(readers.run_batch(reader, now=NOON) for reader in READERS):
            time.sleep(0.002)


def mapped(external_id: str) -> bool:
    with db.transaction() as session:
        index = identities._index("web", external_id)
        return session.get(ExternalIdentity, ("web", index)) is not None


def sources_of(customer_id: UUID) -> str | None:
    touch = profile(customer_id).first_touch
    return touch.source if touch else None


def test_same_id_from_another_source_is_somebody_else(ingest: FlaskClient) -> None:
    customer_id = a_customer()
    map_external("17", customer_id, source="till")

    ingest.post("/v1/track", json={"event": "Tried", "userId": "17"}, auth=(WRITE_KEY, ""))

    assert logged()[-1]["customer_id"] is None


@pytest.mark.usefixtures("database")
def test_mapping_again_changes_nothing_and_another_customer_is_refused() -> None:
    first, second = a_customer(), a_customer("+12125550143")
    map_external("crm-17", first)
    before = logged(ours=True)

    map_external("crm-17", first)
    with pytest.raises(IdentityTaken):
        map_external("crm-17", second)

    assert logged(ours=True) == before
    assert [event["name"] for event in before].count("identity.mapped") == 1


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("nobody", ["null", " Undefined", "0", "guest"])
def test_an_id_that_stands_for_nobody_cannot_be_mapped(nobody: str) -> None:
    with pytest.raises(LinkRefused):
        map_external(nobody, a_customer())


@pytest.mark.usefixtures("database")
def test_only_a_customer_can_be_mapped() -> None:
    with pytest.raises(NotFound):
        map_external("crm-17", ids.new())


def test_id_that_looks_like_ours_but_is_nobodys_is_somebody_unknown(ingest: FlaskClient) -> None:
    ingest.post("/v1/track", json={"event": "Tried", "userId": str(ids.new())}, auth=(WRITE_KEY, ""))

    assert logged()[-1]["customer_id"] is None
    assert logged()[-1]["subject_id"].startswith("external:")
