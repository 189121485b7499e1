"""One policy for the whole brand, in revisions that nobody overwrites unseen."""

from datetime import UTC, datetime, time
from typing import Any

import pytest

from core import ids
from core.audit import AuditEntry
from core.db import transaction
from core.web.principals import Principal
from engage.contacting import policy
from engage.contacting.errors import PolicyChanged, PolicyInvalid
from engage.contacting.policy import Cap, Policy
from tests.engage.conftest import Open

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TERMS: dict[str, Any] = {
    "quiet": {"from": "21:00", "to": "09:00", "channels": ["push", "sms"]},
    "caps": [{"channel": "any", "per": "day", "most": 2}, {"channel": "sms", "per": "week", "most": 0}],
    "control_bps": 200,
}


def put(raw: dict[str, Any], revision: int = 0) -> None:
    with transaction() as session:
        policy.put(session, raw, revision=revision, actor="staff:test", now=NOW)


def current() -> Policy:
    with transaction() as session:
        return policy.current(session)


def faults(raw: Any) -> list[str]:
    with pytest.raises(PolicyInvalid) as refused:
        policy.parse(raw)
    return sorted(error["pointer"] for error in refused.value.facts["errors"])


def test_where_none_was_set_nothing_is_held(database: None) -> None:
    assert current() == Policy(revision=0, quiet=None, caps=(), control_bps=0)


def test_the_newest_policy_holds_at_once(database: None) -> None:
    put(TERMS)
    first = current()
    put({"control_bps": 5000}, revision=1)

    assert (first.revision, first.control_bps) == (1, 200)
    assert first.quiet is not None
    assert (first.quiet.begins, first.quiet.ends) == (time(21), time(9))
    assert first.caps == (Cap("any", "day", 2), Cap("sms", "week", 0))
    assert current() == Policy(revision=2, control_bps=5000)


def test_who_has_read_an_older_policy_does_not_overwrite_a_newer_one(database: None) -> None:
    put(TERMS)

    with pytest.raises(PolicyChanged):
        put({}, revision=0)
    with pytest.raises(PolicyChanged):
        put({}, revision=2)
    assert current().revision == 1


def test_of_two_at_one_moment_one_is_told(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    before = current()
    put({"control_bps": 1})
    # As for the one whose look came before the other's commit: the primary key is what stops it.
    monkeypatch.setattr(policy, "current", lambda session: before)

    with pytest.raises(PolicyChanged):
        put(TERMS, revision=0)

    monkeypatch.undo()
    assert current().control_bps == 1


@pytest.mark.parametrize(
    ("raw", "pointers"),
    [
        ([], [""]),
        ({"nights": 1}, ["/nights"]),
        ({"quiet": {}}, ["/quiet/from", "/quiet/to"]),
        ({"quiet": {"from": "9:00", "to": "24:00"}}, ["/quiet/from", "/quiet/to"]),
        ({"quiet": {"from": "09:00", "to": "09:00"}}, ["/quiet/to"]),
        ({"quiet": {"from": "21:00", "to": "09:00", "channels": []}}, ["/quiet/channels"]),
        ({"quiet": {"from": "21:00", "to": "09:00", "channels": ["inbox"]}}, ["/quiet/channels"]),
        ({"quiet": {"from": "21:00", "to": "09:00", "channels": ["push", "push"]}}, ["/quiet/channels"]),
        ({"quiet": {"from": "21:00", "to": "09:00", "channels": "push"}}, ["/quiet/channels"]),
        ({"quiet": {"from": "21:00", "to": "09:00", "channels": [{}]}}, ["/quiet/channels"]),
        ({"caps": {}}, ["/caps"]),
        ({"caps": [1]}, ["/caps/0"]),
        ({"caps": [{"channel": "fax", "per": "hour", "most": -1}]}, ["/caps/0/channel", "/caps/0/most", "/caps/0/per"]),
        ({"caps": [{"channel": "any", "per": "day", "most": 1}] * 2}, ["/caps/1"]),
        ({"caps": [{"channel": "any", "per": "day", "most": True}]}, ["/caps/0/most"]),
        ({"caps": [{"channel": [], "per": {}, "most": 1}]}, ["/caps/0/channel", "/caps/0/per"]),
        ({"control_bps": 5001}, ["/control_bps"]),
        ({"control_bps": "200"}, ["/control_bps"]),
    ],
)
def test_each_fault_is_named(raw: Any, pointers: list[str]) -> None:
    assert faults(raw) == pointers


def test_the_policy_over_http(open_for: Open) -> None:
    staff = Principal("staff", ids.new(), frozenset(("contact_policy.read", "contact_policy.write")))
    client, path = open_for(staff), "/admin/v1/contact-policy"

    assert client.get(path).json == {"revision": 0, "terms": {}, "made_by": None, "made_at": None}
    made = client.put(path, json={"revision": 0, "terms": TERMS})
    assert (made.status_code, made.json["revision"], made.json["terms"]) == (200, 1, TERMS)
    assert made.json["made_by"] == staff.name
    late = client.put(path, json={"revision": 0, "terms": {}})
    assert (late.status_code, late.json["code"]) == (409, "policy_changed")
    wrong = client.put(path, json={"revision": 1, "terms": {"control_bps": -1}})
    assert (wrong.status_code, wrong.json["code"]) == (422, "policy_invalid")
    assert wrong.json["errors"][0]["pointer"] == "/terms/control_bps"
    client.put(path, json={"revision": 1, "terms": {}})

    page = client.get(f"{path}/revisions", query_string={"limit": 1}).json
    rest = client.get(f"{path}/revisions", query_string={"limit": 1, "cursor": page["next_cursor"]}).json
    assert [item["revision"] for item in (*page["items"], *rest["items"])] == [2, 1]
    assert rest["next_cursor"] is None
    with transaction() as session:
        assert [entry.action for entry in session.query(AuditEntry)] == ["contact_policy.put"] * 2
