"""What a till needs to take vouchers offline, and how it tells what it took."""

from typing import Any

from flask_smorest import Blueprint

from core import clock
from core.db import connection_of, transaction
from core.web import pages
from core.web.schemas import PageArgs, page_of
from rewards.offline import allowances, records, syncing
from rewards.offline.api import shapes
from rewards.offline.api.schemas import (
    OfflineKeysSchema,
    OfflineRedemptionArgsSchema,
    OfflineRedemptionSchema,
    OfflineResultsSchema,
)
from rewards.tills.api.signing import signed
from wallet.api.guards import refuse_when_off
from wallet.paying.api.shapes import till

blueprint = Blueprint("offline_merchant", __name__, description="Vouchers that a till takes offline")


@blueprint.get("/offline-keys")
@blueprint.response(200, OfflineKeysSchema())
def list_offline_keys() -> dict[str, Any]:
    """The keys by which a till checks offline tokens, and what of its takings the brand answers for. Fetch it daily."""
    with transaction() as session:
        allowance = allowances.of_terminal(session, till().terminal_id)
    return {
        "keys": shapes.signer().key_set(),
        "allowance": allowance,
        "sync_within_hours": shapes.settings().offline_sync_hours,
    }


@blueprint.post("/offline-redemptions")
@blueprint.arguments(OfflineRedemptionArgsSchema())
@blueprint.response(200, OfflineResultsSchema())
@signed
def sync_offline_redemptions(args: dict[str, Any]) -> dict[str, Any]:
    """Tell what this till took offline, in its order. It needs no Idempotency-Key: the references name the records."""
    refuse_when_off()
    batch = [shapes.record(each, till(each["currency"])) for each in args["records"]]
    outcomes = syncing.sync_all(till(), batch, desk=shapes.desk(), now=clock.now())
    return {
        "results": [shapes.result(each.till_reference, outcome) for each, outcome in zip(batch, outcomes, strict=True)]
    }


@blueprint.get("/offline-redemptions")
@blueprint.arguments(PageArgs(), location="query")
@blueprint.response(200, page_of(OfflineRedemptionSchema))
def list_offline_redemptions(args: dict[str, Any]) -> dict[str, Any]:
    """What this till has synced, the latest first."""
    before = pages.before(args["cursor"])
    with transaction() as session:
        found = records.page(connection_of(session), till().terminal_id, before=before, limit=args["limit"] + 1)
    return pages.page(found, args["limit"], shapes.redemption)
