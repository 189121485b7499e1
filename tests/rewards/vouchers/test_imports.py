"""Codes from elsewhere: all or none of a file, or each line for itself, each bad line named."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import inspect

from core import idempotency, ids
from core.db import connection_of, transaction
from core.errors import NotFound
from core.idempotency import KeyReused
from rewards.errors import CampaignNotRunning
from rewards.vouchers import batches, codes, exports, imports, uploads, work
from rewards.vouchers.errors import ImportRefused
from rewards.vouchers.models import CodeBatch
from rewards.vouchers.uploads import Upload
from tests.rewards.conftest import NOW, World


def put(campaign_id: UUID, text: str | bytes, mode: uploads.Mode = "all", **changes: object) -> CodeBatch:
    data = text.encode() if isinstance(text, str) else text
    now = changes.pop("now", NOW)
    given = {"source": f"test:{ids.new()}", "actor": "staff:test"} | changes
    return uploads.take(Upload(campaign_id=campaign_id, data=data, mode=mode, **given), now=now)


def take(campaign_id: UUID, text: str | bytes, mode: uploads.Mode = "all", **changes: object) -> CodeBatch:
    """Put a file down, and let workers do all of it."""
    batch = put(campaign_id, text, mode, **changes)
    drain()
    return found(batch.id)


def drain() -> None:
    while work.work_off(NOW):
        pass


def found(batch_id: UUID) -> CodeBatch:
    with transaction() as session:
        return batches.find(session, batch_id)


def told(batch: CodeBatch) -> list[tuple[int, str]]:
    return [(fault["line"], fault["code"]) for fault in batch.faults]


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

    batch = take(campaign, f"{good}\nTAKEN-1", source="s")

    assert (batch.state, batch.made, batch.refused, told(batch)) == ("refused", 0, 21, [(21, "code_taken")])
    with pytest.raises(ImportRefused) as refused:
        put(campaign, f"{good}\nTAKEN-1", source="s")
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

    errors = [(int(error["pointer"][1:]), error["code"]) for error in refused.value.facts["errors"]]
    assert errors == FAULTS[:-1]  # whether a code is taken is asked when the lines are right
    assert told(batch) == FAULTS
    assert (batch.state, batch.asked, batch.made, batch.refused) == ("ended", 8, 2, 6)
    assert is_known(world, "GOOD1")
    assert is_known(world, "GOOD2")


def test_list_of_batches_reads_no_faults(world: World) -> None:
    campaign = world.campaign()
    take(campaign, BAD, "each")

    with transaction() as session:
        [batch] = batches.page(session, campaign, before=None, limit=2)

    assert (batch.refused, "faults" in inspect(batch).unloaded) == (5, True)


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
    monkeypatch.setattr(uploads, "MOST_LINES", 3)

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
def test_worker_that_dies_leaves_whole_parts_and_the_next_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch, mode: uploads.Mode
) -> None:
    campaign, text = world.campaign(), "\n".join(f"LINE{number:03}" for number in range(25))
    monkeypatch.setattr(uploads, "AT_ONCE", 10)
    write, written = imports._write, []

    def break_off(*given: object) -> set[bytes]:
        ours = write(*given)
        written.append(1)
        if len(written) == 2:
            raise KeyboardInterrupt  # as a process that is killed: nothing after it runs
        return ours

    monkeypatch.setattr(imports, "_write", break_off)
    batch = put(campaign, text, mode)
    with pytest.raises(KeyboardInterrupt):
        drain()
    monkeypatch.setattr(imports, "_write", write)

    half = found(batch.id)
    assert (half.state, half.made) == ("waiting", 10)
    assert states(world) == [("blocked" if mode == "all" else "active", 10)]
    drain()
    whole = found(batch.id)
    assert (whole.state, whole.made, whole.refused) == ("ended", 25, 0)
    assert states(world) == [("active", 25)]
    assert len(world.events("codes.imported")) == 1
    assert world.rows("SELECT FROM rewards.code_upload") == []


@pytest.mark.parametrize("last", ["FREE", "TAKEN-1"])
def test_codes_of_all_or_nothing_work_for_nobody_before_the_last_stands(
    world: World, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    campaign = world.campaign()
    take(campaign, "TAKEN-1")
    monkeypatch.setattr(uploads, "AT_ONCE", 10)
    monkeypatch.setattr(imports, "_AT_ONCE", 10)
    batch = put(campaign, "\n".join([*[f"LINE{number:03}" for number in range(24)], last]))

    seen = []
    while work.work_off(NOW):
        seen.append(dict(states(world)))

    blocked = [each.get("blocked", 0) for each in seen]
    assert blocked == ([10, 20, 25, 15, 5, 0, 0] if last == "FREE" else [10, 20, 24, 14, 4, 0, 0])
    assert max(blocked) > 0
    assert found(batch.id).state == ("ended" if last == "FREE" else "refused")
    assert states(world) == [("active", 26 if last == "FREE" else 1)]


def test_what_points_at_vouchers_is_indexed_as_those_of_a_refused_file_are_deleted(world: World) -> None:
    """Whoever deletes a row looks through each table that may point at it; a partial index is of no use for that."""
    unindexed = world.rows(
        """
        SELECT c.conrelid::regclass::text FROM pg_constraint c
         WHERE c.contype = 'f' AND c.confrelid = 'rewards.voucher'::regclass AND NOT EXISTS (
               SELECT FROM pg_index i
                WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1] AND i.indpred IS NULL)
        """
    )

    assert unindexed == []


def test_what_waits_for_workers_is_sealed(world: World) -> None:
    put(world.campaign(), "SECRET-CODE-1\nSECRET-CODE-2")

    [(lines,)] = world.rows("SELECT lines FROM rewards.code_upload")
    assert isinstance(lines, bytes)
    assert b"SECRET" not in lines


def test_import_that_was_begun_inside_its_request_is_sent_again_and_ends(world: World) -> None:
    campaign, text = world.campaign(), "AAA1\nAAA2\nAAA3"
    batch = put(campaign, text, source="s")
    with transaction() as session:
        connection = connection_of(session)
        connection.execute("DELETE FROM rewards.code_upload")
        connection.execute("UPDATE rewards.code_batch SET state = 'importing', due_at = NULL, mode = NULL")
        imports._write(session, found(batch.id), [(codes.index("AAA2"), (2, "AAA2"))])

    assert take(campaign, text, source="s").made == 3
    assert states(world) == [("active", 3)]


def test_key_of_an_import_names_nothing_else(world: World) -> None:
    campaign = world.campaign()
    put(campaign, "AAA1", source="import:staff:test:k", request_key="k")

    assert put(campaign, "AAA1", source="import:staff:test:k", request_key="k").asked == 1
    with pytest.raises(KeyReused):
        put(campaign, "AAA2", source="import:staff:test:k", request_key="k")
    with pytest.raises(KeyReused), transaction() as session:
        idempotency.claim(session, principal="staff:test", key="k", fingerprint=b"another", now=NOW)


def test_two_files_with_the_same_codes_at_once_import_each_code_once(world: World) -> None:
    campaign = world.campaign()
    text = "\n".join(f"RACE{number:04}" for number in range(2_500))

    put_down = [put(campaign, text, "each").id for _ in range(2)]

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: drain(), range(2)))

    assert sum(found(batch_id).made for batch_id in put_down) == 2_500
    assert [found(batch_id).state for batch_id in put_down] == ["ended", "ended"]
    assert states(world) == [("active", 2_500)]


def test_imports_are_for_campaigns_that_are_not_over(world: World) -> None:
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


@pytest.mark.parametrize("mode", ["all", "each"])
def test_imported_gift_cards_wait_in_shops_for_their_sale(world: World, mode: str) -> None:
    take(world.gift_campaign(), "6006 4912 0000 0001\n6006-4912-0000-0019", mode)

    assert world.rows("SELECT state, expires_at FROM rewards.voucher") == [("inactive", None)] * 2


def test_gift_cards_codes_from_elsewhere_are_no_shorter_than_ours(world: World) -> None:
    with pytest.raises(ImportRefused) as refused:
        take(world.gift_campaign(), "600649120000001\n6006491200000019")

    assert [fault["code"] for fault in refused.value.facts["errors"]] == ["short"]
    batch = take(world.gift_campaign(), "600649120000001\n6006491200000019", "each")
    assert (batch.made, batch.refused, batch.funding) == (1, 1, "till")


def test_file_of_nothing_but_short_cards_holds_nobody_up() -> None:
    """It is looked through while others wait for the campaign: 20,000 lines once took as many looks at all of them."""
    lines = [(number, f"CARD{number:06}") for number in range(20_000)]
    begun = time.process_time()

    kept, faults = uploads._without_short(lines, [])

    assert (kept, len(faults)) == ([], 20_000)
    assert time.process_time() - begun < 2
