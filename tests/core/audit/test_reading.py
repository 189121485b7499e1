"""Reading the audit log: from where a deed came, for whom it is asked, and as a table."""

import csv
import io
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask

from auth import staff, tokens
from core import audit, clock, crypto, ids
from core.audit import origin
from core.db import connection_of, transaction
from core.web.principals import Principal

AUDITOR = frozenset({"audit.read", "audit.export"})


def add_person() -> UUID:
    with transaction() as session:
        return staff.add(session, email="ada@example.com", name="Ada", now=clock.now()).id


def headers(staff_id: UUID, permissions: frozenset[str] = AUDITOR, **of: object) -> dict[str, str]:
    principal = Principal("staff", staff_id, permissions=permissions, **of)  # type: ignore[arg-type]
    token = tokens.mint(principal, audience=tokens.ADMIN, client_id="pocketful-admin", now=clock.now())
    return {"Authorization": f"Bearer {token}", "User-Agent": "Firefox/140 " + "x" * 100}


def note(actor: str, action: str = "campaign.create", target: str = "campaign:1", **change: object) -> None:
    with transaction() as session:
        audit.record(session, actor=actor, action=action, target=target, change=change, now=clock.now())


def test_an_entry_tells_where_it_came_from(app: Flask) -> None:
    staff_id, session_id = add_person(), ids.new()
    asked = headers(staff_id, session_id=session_id)
    taken = app.test_client().get("/admin/v1/audit.csv", headers=asked, environ_base={"REMOTE_ADDR": "203.0.113.77"})

    [entry] = app.test_client().get("/admin/v1/audit", headers=asked).json["items"]

    assert taken.status_code == 200
    assert (entry["actor"], entry["action"]) == (f"staff:{staff_id}", "audit.export")
    assert (entry["network"], entry["client_id"]) == ("203.0.113.0/24", "pocketful-admin")
    assert (entry["agent"], entry["session_id"]) == ("Firefox/140 " + "x" * 48, str(session_id))
    assert entry["request_id"] == taken.headers["X-Request-Id"]


def test_where_somebody_was_stands_only_sealed_and_goes_with_their_key(app: Flask) -> None:
    staff_id = add_person()
    app.test_client().get("/admin/v1/audit.csv", headers=headers(staff_id))
    with transaction() as session:
        row = connection_of(session).execute("SELECT a::text, origin FROM core.audit_entry a").fetchone()
        assert row and "Firefox" not in row[0] and b"Firefox" not in row[1] and b"127.0.0" not in row[1]
        crypto.destroy_data_key(session, staff_id)

    [entry] = app.test_client().get("/admin/v1/audit", headers=headers(staff_id)).json["items"]

    assert (entry["network"], entry["agent"], entry["action"]) == (None, None, "audit.export")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.200", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.200", "192.0.2.0/24"),
        ("unix:", None),
        (None, None),
    ],
)
def test_of_an_address_the_network_alone_is_kept(address: str | None, network: str | None) -> None:
    assert origin.network_of(address) == network


def test_the_log_is_asked_by_who_what_to_what_and_when(app: Flask) -> None:
    staff_id, other = add_person(), f"staff:{ids.new()}"
    note("operator", "merchant.add", "merchant:1")
    note(other, "campaign.create", "campaign:1")
    note(other, "campaign.change", "campaign:1")
    asked = headers(staff_id)

    def actions(**query: str) -> list[str]:
        answer = app.test_client().get("/admin/v1/audit", headers=asked, query_string=query)
        assert answer.status_code == 200, answer.json
        return [entry["action"] for entry in answer.json["items"]]

    assert actions() == ["campaign.change", "campaign.create", "merchant.add"]
    assert actions(actor=other) == ["campaign.change", "campaign.create"]
    assert actions(target="merchant:1", action="merchant.add") == ["merchant.add"]
    assert actions(since=(clock.now() + timedelta(hours=1)).isoformat()) == []
    assert actions(until=(clock.now() + timedelta(hours=1)).isoformat(), limit="1") == ["campaign.change"]


def test_pages_follow_one_another(app: Flask) -> None:
    asked = headers(add_person())
    for number in range(3):
        note("operator", f"deed.{number}")
    client = app.test_client()
    first = client.get("/admin/v1/audit?limit=2", headers=asked).json
    second = client.get(
        "/admin/v1/audit", query_string={"limit": 2, "cursor": first["next_cursor"]}, headers=asked
    ).json

    told = [entry["action"] for page in (first, second) for entry in page["items"]]
    assert (told, second["next_cursor"]) == (["deed.2", "deed.1", "deed.0"], None)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", " ="])
def test_a_cell_that_begins_like_a_formula_is_told_as_a_text(app: Flask, start: str) -> None:
    asked = headers(add_person())
    note("operator", f"{start}1+1", "merchant:1", name='=HYPERLINK("x")')

    answer = app.test_client().get("/admin/v1/audit.csv", headers=asked)

    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert answer.content_type.startswith("text/csv")
    assert [row["action"] for row in rows] == ["audit.export", f"'{start}1+1"]
    assert rows[1]["change"].startswith("{")


def test_who_took_the_log_out_stands_in_it(app: Flask) -> None:
    staff_id = add_person()
    app.test_client().get("/admin/v1/audit.csv?target=merchant:1", headers=headers(staff_id))

    [entry] = app.test_client().get("/admin/v1/audit", headers=headers(staff_id)).json["items"]

    assert (entry["target"], entry["change"]) == ("audit", {"target": "merchant:1"})


def test_the_head_is_told_to_who_may_read_the_log(app: Flask) -> None:
    staff_id = add_person()

    told = app.test_client().get("/admin/v1/audit/head", headers=headers(staff_id)).json

    assert told == {"number": 0, "hash": "0" * 64, "head": f"0:{'0' * 64}"}
    assert app.test_client().get("/admin/v1/audit/head", headers=headers(staff_id, frozenset())).status_code == 403
