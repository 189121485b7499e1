"""What staff allow terminals."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import principals
from core.web.doors import needs
from rewards.offline import allowances
from rewards.offline.api.schemas import TerminalAllowanceArgsSchema, TerminalAllowanceSchema
from rewards.offline.models import OfflineAllowance

blueprint = Blueprint("offline_staff", __name__, description="What terminals may take offline")


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
