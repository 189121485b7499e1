"""Codes made in the background: as many as were asked for, each once, whatever happens to the worker."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from uuid import UUID

import pytest

from core import crypto, ids
from core.db import transaction
from core.errors import NotFound
from core.settings import Settings
from rewards.errors import CampaignNotRunning
from rewards.vouchers import batches, codes, exports, making, uploads, work
from rewards.vouchers.errors import PatternTooSmall
from rewards.vouchers.models import CodeBatch
from rewards.vouchers.uploads import Upload
from tests.rewards.conftest import NOW, World

DIGITS = {"prefix": "", "length": 4, "alphabet": "digits", "has_check": False}


def ask(campaign_id: UUID, count: int, pattern: object = None, source: str | None = None) -> UUID:
    with transaction() as session:
        return batches.ask_for_codes(
            session,
            campaign_id=campaign_id,
            count=count,
            pattern=pattern,
            source=source or f"test:{ids.new()}",
            actor="staff:test",
            now=NOW,
        ).id


def shown(batch_id: UUID) -> CodeBatch:
    with transaction() as session:
        return batches.find(session, batch_id)


def work_off() -> int:
    steps = 0
    while work.work_off(NOW):
        steps += 1
    return steps


def codes_of(batch_id: UUID) -> list[str]:
    lines = b"".join(exports.parts(batch_id, now=NOW)).decode("utf-8-sig").splitlines()
    return [line.split(",")[0] for line in lines[1:]]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "MOST_AT_ONCE", 100)
    monkeypatch.setattr(making, "_chunk", 100)


def test_as_many_codes_are_made_as_were_asked_for(world: World) -> None:
    campaign = world.campaign()
    batch_id = ask(campaign, 1_234, {"prefix": "SUN", "length": 9})
    assert (shown(batch_id).state, shown(batch_id).made) == ("waiting", 0)

    work_off()

    batch = shown(batch_id)
    assert (batch.state, batch.made, batch.ended_at) == ("ended", 1_234, NOW)
    made = codes_of(batch_id)
    assert len(set(made)) == 1_234
    assert all(code.startswith("SUN-") and not codes.is_mistyped(codes.normalise(code)) for code in made)
    [told] = world.events("codes.made")
    assert (told["batch_id"], told["count"]) == (str(batch_id), 1_234)
    assert world.rows("SELECT count(*) FROM core.event WHERE name LIKE 'voucher.%%'") == [(0,)]


def test_made_code_is_found_by_its_index_and_says_its_end(world: World) -> None:
    campaign = world.campaign()
    batch_id = ask(campaign, 1)
    work_off()
    [code] = codes_of(batch_id)

    rows = world.rows(
        "SELECT campaign_id, customer_id, last4, state, used, is_generic, source, expires_at, issued_at"
        "  FROM rewards.voucher WHERE code_index = %s",
        codes.index(codes.normalise(code)),
    )

    end = NOW + timedelta(days=30)
    assert rows == [(campaign, None, code[-4:], "active", 0, False, None, end, NOW)]


def test_codes_stand_nowhere_in_clear(world: World) -> None:
    batch_id = ask(world.campaign(), 3)
    work_off()

    everything = str(world.rows("SELECT v.*, b.* FROM rewards.voucher v CROSS JOIN rewards.code_batch b"))
    everything += str(world.rows("SELECT change FROM core.audit_entry")) + str(world.events("codes.made"))

    assert not any(code in everything for code in codes_of(batch_id))


def test_few_codes_are_left_and_each_is_found(world: World) -> None:
    """Half of all four-digit codes are taken, so what is drawn collides all the time."""
    campaign = world.campaign()
    taken = "\n".join(f"{number:04}" for number in range(0, 10_000, 2))
    upload = Upload(campaign_id=campaign, data=taken.encode(), mode="all", source="printer", actor="staff:test")
    uploads.take(upload, now=NOW)
    work_off()
    batch_id = ask(campaign, 100, DIGITS)

    work_off()

    made = codes_of(batch_id)
    assert len(set(made)) == 100
    assert all(int(code) % 2 for code in made)


def test_batches_of_one_pattern_share_its_room(world: World) -> None:
    campaign = world.campaign()
    ask(campaign, 60, DIGITS)

    with pytest.raises(PatternTooSmall):
        ask(campaign, 41, DIGITS)
    ask(campaign, 40, DIGITS)

    work_off()
    assert world.rows("SELECT count(*), count(DISTINCT code_index) FROM rewards.voucher") == [(100, 100)]
    assert world.rows("SELECT promised FROM rewards.code_shape WHERE alphabet = 'digits'") == [(100,)]


def test_batch_that_breaks_off_goes_on_where_it_was(world: World, small_chunks: None) -> None:
    batch_id = ask(world.campaign(), 250)

    work.work_off(NOW)
    with pytest.raises(RuntimeError), transaction() as session:
        making.make_some(session, session.get_one(CodeBatch, batch_id), now=NOW)
        raise RuntimeError("the worker dies before it commits")

    assert shown(batch_id).made == 100
    assert len(codes_of(batch_id)) == 100
    work_off()
    assert shown(batch_id).made == 250
    assert len(set(codes_of(batch_id))) == 250


_WORKER = """
import sys
from dataclasses import replace
from core import crypto, db
from core.settings import Settings
from rewards.vouchers import making, work
from tests.rewards.conftest import NOW
making.MOST_AT_ONCE = making._chunk = 100
settings = replace(Settings(environment="test"), database_url=sys.argv[1])
db.open_database(settings)
crypto.load_keys(settings)
print("begins", flush=True)
while work.work_off(NOW):
    print("step", flush=True)
"""


def test_killed_worker_leaves_whole_chunks_and_another_ends_the_batch(world: World, settings: Settings) -> None:
    batch_id = ask(world.campaign(), 20_000)
    command = [sys.executable, "-c", _WORKER, settings.database_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."}) as worker:
        assert worker.stdout is not None
        for _ in range(6):
            worker.stdout.readline()
        worker.send_signal(signal.SIGKILL)
        worker.wait()

    [(made,)] = world.rows("SELECT count(*) FROM rewards.voucher")
    assert isinstance(made, int)
    assert 500 <= made < 20_000
    assert shown(batch_id).made == made
    work_off()
    assert (shown(batch_id).made, shown(batch_id).state) == (20_000, "ended")
    assert world.rows("SELECT count(*) FROM rewards.voucher") == [(20_000,)]
    assert [event["count"] for event in world.events("codes.made")] == [20_000]


def test_batch_in_trouble_is_put_off_and_the_others_go_on(world: World) -> None:
    erased, healthy = world.campaign(), world.campaign()
    bad, good = ask(erased, 10), ask(healthy, 10)
    with transaction() as session:
        crypto.destroy_data_key(session, erased)

    work_off()

    assert (shown(good).state, shown(good).made) == ("ended", 10)
    assert (shown(bad).state, shown(bad).made, shown(bad).last_error) == ("waiting", 0, "Erased")
    assert shown(bad).due_at == NOW + timedelta(seconds=2)


def test_codes_are_for_campaigns_that_are_not_over(world: World) -> None:
    ask(world.campaign(starts_now=False), 1)  # printed before it begins

    with pytest.raises(CampaignNotRunning):
        ask(world.campaign(ends_at=NOW), 1)
    with pytest.raises(NotFound):
        ask(ids.new(), 1)
    assert len(world.rows("SELECT FROM rewards.code_batch")) == 1


def test_chunk_is_shorter_while_others_wait_for_the_log() -> None:
    assert making.next_chunk(1_000, seconds=0.1, longest=0.05) == 666
    assert making.next_chunk(1_000, seconds=0.1, longest=0.18) == 1_000
    assert making.next_chunk(1_000, seconds=0.08, longest=0.18) == 1_250
    assert making.next_chunk(120, seconds=0.1, longest=0.05) == 100
    assert making.next_chunk(making.MOST_AT_ONCE, seconds=0.0, longest=0.18) == making.MOST_AT_ONCE
