"""Batches of transfers at the staff door."""

from typing import Any
from uuid import UUID

from flask import Response, request
from flask_smorest import Blueprint

from auth import approval_lists
from auth.api.schemas import ApprovalSchema
from core import clock, steadiness
from core.db import transaction
from core.web import bodies, idempotent, pages, principals
from core.web.doors import needs
from core.web.schemas import PageArgs, page_of
from wallet.api.shapes import replay_header
from wallet.finance import batch_approvals, batches
from wallet.finance.api.batch_schemas import (
    AskedApprovalSchema,
    BatchApprovalArgsSchema,
    BatchOutcomeSchema,
    BatchResultSchema,
    BatchSchema,
    NewBatchSchema,
)
from wallet.finance.api.movement_schemas import DecisionArgsSchema
from wallet.finance.batch_models import TransferBatch
from wallet.finance.batches import Batch, Outcome

blueprint = Blueprint("wallet_batches", __name__, description="Many transfers at once")

#: Ten thousand lines with the longest references and notes.
_MOST_BYTES = 5_000_000


@blueprint.post("/transfers/batch")
@bodies.up_to(_MOST_BYTES)
@blueprint.arguments(NewBatchSchema())
@blueprint.response(201, BatchOutcomeSchema())
@idempotent.documented
@needs("transfers.batch")
def post_batch(args: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Post up to 10,000 transfers, all or nothing or each for itself; one that was cut off is sent again as it is."""
    steadiness.check()
    batch = Batch(
        **args,
        principal=principals.current().name,
        key=idempotent.key(),
        fingerprint=idempotent.fingerprint(),
        content=_content(),
    )
    outcome = batches.run(batch, now=clock.now())
    return _shown(outcome), replay_header(outcome.replayed)


@blueprint.post("/transfers/batch/approvals")
@bodies.up_to(_MOST_BYTES)
@blueprint.arguments(BatchApprovalArgsSchema())
@blueprint.response(201, AskedApprovalSchema())
@idempotent.documented
@needs("transfers.batch")
def ask_for_batch(args: dict[str, Any]) -> Response:
    """Ask a second person for a batch that moves much: send it later with the `approval_id`, line for line the same."""
    actor, content, now = principals.current().name, _content(), clock.now()
    return idempotent.command(
        lambda session: approval_lists.shown(
            session, [batch_approvals.ask(session, **args, content=content, asked_by=actor, now=now)], now=now
        )[0],
        schema=AskedApprovalSchema(),
    )


@blueprint.put("/transfers/batch/approvals/<uuid:approval_id>/decision")
@blueprint.arguments(DecisionArgsSchema())
@blueprint.response(200, ApprovalSchema())
@needs("transfers.approve")
def decide_batch(args: dict[str, Any], approval_id: UUID) -> dict[str, Any]:
    """Agree to another person's batch, which they can then send, or refuse it."""
    now = clock.now()
    with transaction() as session:
        decided = batch_approvals.decide(session, approval_id, **args, decided_by=principals.current().name, now=now)
        return approval_lists.shown(session, [decided], now=now)[0]


def _content() -> bytes:
    """What a second person approves of this request: how it is posted, and its lines."""
    body = request.get_json()
    return batch_approvals.content_of(body["mode"], body["lines"])


def _shown(outcome: Outcome) -> dict[str, Any]:
    refused = sum(result.code is not None for result in outcome.results)
    return {
        "id": outcome.batch_id,
        "mode": outcome.mode,
        "posted_count": len(outcome.results) - refused,
        "refused_count": refused,
        "lines": outcome.results,
    }


@blueprint.get("/transfers/batches")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(BatchSchema))
@needs("transfers.read")
def list_batches(args: dict[str, Any]) -> dict[str, Any]:
    """The batches, latest first; one that is `running` and was not just sent was cut off: send it again."""
    before, limit = pages.before(args["cursor"]), args["limit"]
    with transaction() as session:
        found = batches.page(session, before=before, limit=limit + 1)
    return pages.page(found, limit)


@blueprint.get("/transfers/batches/<uuid:batch_id>")
@blueprint.response(200, BatchSchema())
@needs("transfers.read")
def show_batch(batch_id: UUID) -> TransferBatch:
    """How a batch stands."""
    with transaction() as session:
        return batches.find(session, batch_id)


@blueprint.get("/transfers/batches/<uuid:batch_id>/lines")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(BatchResultSchema))
@needs("transfers.read")
def list_batch_lines(args: dict[str, Any], batch_id: UUID) -> dict[str, Any]:
    """What became of a batch's lines, by their references."""
    after, limit = pages.place(args["cursor"], str), args["limit"]
    with transaction() as session:
        batch = batches.find(session, batch_id)
        found = batches.results_of(session, batch, after=after, limit=limit + 1)
    return pages.page(found, limit, at=lambda result: result.reference)
