"""What staff allow terminals."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from core import clock
from core.db import connection_of, transaction
from core.web import pages, principals
from core.web.doors import needs
from core.web.schemas import page_of
from rewards.offline import allowances, records
from rewards.offline.api import shapes
from rewards.offline.api.schemas import (
    StaffOfflinePageArgs,
    StaffOfflineRedemptionSchema,
    TerminalAllowanceArgsSchema,
    TerminalAllowanceSchema,
)
from rewards.offline.models import OfflineAllowance

blueprint = Blueprint("offline_staff", __name__, description="What terminals may take offline, and what came of it")


@blueprint.put("/terminals/<uuid:terminal_id>/offline-allowance")
@blueprint.arguments(TerminalAllowanceArgsSchema())
@blueprint.response(200, TerminalAllowanceSchema())
@needs("terminals.allow_offline")
def put_offline_allowance(args: dict[str, Any], terminal_id: UUID) -> OfflineAllowance:
    """Say how much of what a terminal takes offline on one day the brand answers for; without it, nothing."""
    with transaction() as session:
        return allowances.put(
            session, terminal_id=terminal_id, **args, actor=principals.current().name, now=clock.now()
        )


@blueprint.get("/offline-redemptions")
@blueprint.arguments(StaffOfflinePageArgs(), location="query")
@blueprint.response(200, page_of(StaffOfflineRedemptionSchema))
@needs("terminals.allow_offline")
def list_all_offline_redemptions(args: dict[str, Any]) -> dict[str, Any]:
    """What terminals have synced, the latest first; `borne_by=brand` shows the brand's losses alone."""
    limit, cursor = args.pop("limit"), args.pop("cursor")
    with transaction() as session:
        found = records.page_of_all(connection_of(session), **args, before=pages.before(cursor), limit=limit + 1)
    return pages.page(found, limit, shapes.for_staff, at=lambda each: each[1].id)
