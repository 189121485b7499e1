"""Codes from elsewhere: all or none of a file, or each line for itself, each bad line named."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest

from core import ids
from core.db import connection_of, transaction
from core.errors import NotFound, Refusal
from core.idempotency import InFlight, KeyReused
from rewards.errors import CampaignNotRunning
from rewards.vouchers import codes, exports, imports
from rewards.vouchers.errors import CouponsOnly, ImportRefused
from rewards.vouchers.models import CodeBatch
from tests.rewards.conftest import NOW, World


def take(campaign_id: UUID, text: str | bytes, mode: imports.Mode = "all", **changes: object) -> CodeBatch:
    data = text.encode() if isinstance(text, str) else text
    given = {"source": f"test:{ids.new()}", "actor": "staff:test", "now": NOW} | changes
    return imports.take(data, campaign_id=campaign_id, mode=mode, **given)


def states(world: World) -> list[tuple[object, ...]]:
    return world.rows("SELECT state, count(*)::int FROM rewards.voucher GROUP BY state ORDER BY state")


def is_known(world: World, code: str) -> bool:
    return bool(world.rows("SELECT FROM rewards.voucher WHERE code_index = %s", codes.index(codes.normalise(code))))


def test_file_of_codes_is_imported(world: World) -> None:
    batch = take(world.campaign(), "\ufeffcode\r\nsun-001\r\nSUN-002\r\n\r\n SUN 003 \r\n")

    assert (batch.state, batch.asked, batch.made, batch.refused, batch.faults) == ("ended", 3, 3, 0, [])
    assert all(is_known(world, code) for code in ("SUN001", "sun-002", "SUN003"))
    assert states(world) == [("active", 3)]
    [told] = world.events("codes.imported")
    assert (told["count"], told["refused"]) == (3, 0)
    lines = b"".join(exports.parts(batch.id, now=NOW)).decode("utf-8-sig").splitlines()
    assert sorted(line.split(",")[0] for line in lines[1:]) == ["SUN 003", "SUN-001", "SUN-002"]


BAD = "GOOD-1\nabc\nGOOD-2,x\n=1+1;2\nGOOD-1\nAAAABBBBCCCCDDDE\nTAKEN-1\nG00D-2\n"
FAULTS = [(2, "form"), (3, "cells"), (4, "form"), (5, "twice"), (6, "mistyped"), (7, "code_taken")]


def test_one_bad_line_refuses_the_file_and_leaves_nothing(world: World) -> None:
    campaign = world.campaign()
    take(campaign, "TAKEN-1")
    good = "\n".join(f"FINE{number}" for number in range(20))

    with pytest.raises(ImportRefused) as refused:
        take(campaign, f"{good}\nTAKEN-1")

    [error] = refused.value.facts["errors"]
    assert (error["pointer"], error["code"]) == ("/21", "code_taken")
    assert states(world) == [("active", 1)]
    assert not is_known(world, "FINE0")
    assert len(world.events("codes.imported")) == 1


def test_each_bad_line_is_named(world: World) -> None:
    campaign = world.campaign()
    take(campaign, "TAKEN-1")

    with pytest.raises(ImportRefused) as refused:
        take(campaign, BAD)
    batch = take(campaign, BAD, "each")

    told = [(int(error["pointer"][1:]), error["code"]) for error in refused.value.facts["errors"]]
    assert told == FAULTS[:-1]  # whether a code is taken is asked when the lines are right
    assert [(fault["line"], fault["code"]) for fault in batch.faults] == FAULTS
    assert (batch.state, batch.asked, batch.made, batch.refused) == ("ended", 8, 2, 6)
    assert is_known(world, "GOOD1")
    assert is_known(world, "GOOD2")


def test_look_alikes_are_one_code(world: World) -> None:
    with pytest.raises(ImportRefused) as refused:
        take(world.campaign(), "SOLO1\nS0L01")

    assert [error["code"] for error in refused.value.facts["errors"]] == ["twice"]


@pytest.mark.parametrize("data", [b"", b"code\n", b"\xff\xfe\x00", b"AB\0CD", b'"open', b"\n\n"])
def test_what_is_no_list_of_codes_is_refused(world: World, data: bytes) -> None:
    with pytest.raises(ImportRefused):
        take(world.campaign(), data)

    assert states(world) == []


def test_too_many_lines_are_refused_and_as_many_as_may_be_are_not(world: World, monkeypatch) -> None:
    monkeypatch.setattr(imports, "MOST_LINES", 3)

    with pytest.raises(ImportRefused):
        take(world.campaign(), "AAA1\nAAA2\nAAA3\nAAA4")

    assert take(world.campaign(), "AAA1\nAAA2\nAAA3").made == 3


def test_same_file_again_is_the_same_import_and_another_is_refused(world: World) -> None:
    campaign = world.campaign()
    first = take(campaign, "AAA1\nAAA2", source="s")

    again = take(campaign, "AAA1\nAAA2", source="s", now=NOW + timedelta(days=1))

    assert (again.id, again.made) == (first.id, 2)
    with pytest.raises(KeyReused):
        take(campaign, "AAA1\nAAA3", source="s")
    with pytest.raises(KeyReused):
        take(campaign, "AAA1\nAAA2", "each", source="s")
    assert states(world) == [("active", 2)]


@pytest.mark.parametrize("mode", ["all", "each"])
def test_import_that_was_cut_off_is_sent_again_and_ends(world: World, monkeypatch, mode: imports.Mode) -> None:
    campaign, text = world.campaign(), "\n".join(f"LINE{number:03}" for number in range(25))
    monkeypatch.setattr(imports, "_AT_ONCE", 10)
    write, written = imports._write, []

    def break_off(*given: object) -> set[bytes]:
        if len(written) == 2:
            raise RuntimeError("the server dies")
        written.append(1)
        return write(*given)

    monkeypatch.setattr(imports, "_write", break_off)
    with pytest.raises(RuntimeError):
        take(campaign, text, mode, source="s")
    monkeypatch.setattr(imports, "_write", write)

    assert states(world) == [("blocked" if mode == "all" else "active", 20)]
    with pytest.raises(InFlight):
        take(campaign, text, mode, source="s", now=NOW + timedelta(seconds=59))
    batch = take(campaign, text, mode, source="s", now=NOW + timedelta(seconds=60))
    assert (batch.state, batch.made, batch.refused) == ("ended", 25, 0)
    assert states(world) == [("active", 25)]
    assert len(world.events("codes.imported")) == 1


def test_two_files_with_the_same_codes_at_once_import_each_code_once(world: World) -> None:
    campaign = world.campaign()
    text = "\n".join(f"RACE{number:04}" for number in range(2_500))

    def import_(mode: imports.Mode) -> CodeBatch | Refusal:
        try:
            return take(campaign, text, mode)
        except ImportRefused as refusal:
            return refusal

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(import_, ["each", "each"])

    assert isinstance(first, CodeBatch)
    assert isinstance(second, CodeBatch)
    assert first.made + second.made == 2_500
    assert states(world) == [("active", 2_500)]


def test_imports_are_for_coupons_of_campaigns_that_are_not_over(world: World) -> None:
    with pytest.raises(CouponsOnly):
        take(world.gift_campaign(), "AAA1")
    with pytest.raises(CampaignNotRunning):
        take(world.campaign(ends_at=NOW), "AAA1")
    with pytest.raises(NotFound):
        take(ids.new(), "AAA1")

    assert states(world) == []


def test_export_neutralises_formulas_and_keeps_claimed_codes_back(world: World) -> None:
    batch = take(world.campaign(), "AAA1\nAAA2")
    with transaction() as session:
        # No code begins so; but what was sealed is somebody's words, whoever wrote them.
        connection = connection_of(session)
        rows = connection.execute("SELECT id, campaign_id FROM rewards.voucher ORDER BY id").fetchall()
        for number, (voucher_id, campaign_id) in enumerate(rows):
            from core import crypto

            sealed = crypto.seal(
                session, owner_id=campaign_id, place="rewards.voucher.code", row_id=voucher_id, text="=1+1"
            )
            holder = ids.new() if number else None
            connection.execute(
                "UPDATE rewards.voucher SET code_ciphertext = %s, customer_id = %s WHERE id = %s",
                [sealed, holder, voucher_id],
            )

    lines = b"".join(exports.parts(batch.id, now=NOW)).decode("utf-8-sig").splitlines()

    assert lines[0] == "code,voucher_id,status,expires_at"
    assert [line.split(",")[0] for line in lines[1:]] == ["'=1+1", ""]
    assert [line.split(",")[2] for line in lines[1:]] == ["active", "claimed"]
