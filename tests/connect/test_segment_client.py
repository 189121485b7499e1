"""Segment's own Python client delivers to the ingest door over a loopback socket."""

import pytest
from segment.analytics.client import Client

from tests.connect.conftest import WRITE_KEY, Served
from tests.connect.people import logged
from tests.insights.log import a_customer


@pytest.mark.parametrize("gzip", [False, True])
def test_segment_python_client_delivers_every_type_of_call(served: Served, gzip: bool) -> None:
    customer_id = a_customer()
    errors: list[object] = []
    client = Client(WRITE_KEY, host=served.url, gzip=gzip, upload_interval=0.05, on_error=lambda e, _: errors.append(e))

    client.identify(str(customer_id), {"plan": "gold"}, anonymous_id="a-1")
    client.track(str(customer_id), "Application Opened", {"version": "2.0"})
    client.page(str(customer_id), "Docs", "Home", {"path": "/"})
    client.screen(str(customer_id), "Wallet", "Main")
    client.group(str(customer_id), "club-7", {"tier": 2})
    client.alias("a-1", str(customer_id))
    client.flush()
    client.join()

    assert errors == []
    assert [event["name"] for event in logged()] == [
        "outside.identify",
        "app.opened",
        "outside.page",
        "outside.screen",
        "outside.group",
        "outside.alias",
    ]
    assert {(event["source"], event["customer_id"]) for event in logged()} == {("web", customer_id)}


def test_segment_client_with_a_wrong_key_hears_401_and_drops(served: Served) -> None:
    errors: list[object] = []
    client = Client("wrong", host=served.url, upload_interval=0.05, on_error=lambda e, _: errors.append(e))

    client.track("somebody", "Tried")
    client.flush()
    client.join()

    assert [getattr(error, "status", None) for error in errors] == [401]
    assert logged() == []
