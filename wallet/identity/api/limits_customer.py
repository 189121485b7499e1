"""What a customer may still do: each limit of their tier."""

from typing import Any

from flask_smorest import Blueprint

from core import clock
from core.db import transaction
from core.web import principals
from wallet.identity.api import limit_shapes
from wallet.identity.api.limit_schemas import LimitsSchema

blueprint = Blueprint("limits_customer", __name__, description="What a customer may pay, send and load")


@blueprint.get("/limits")
@blueprint.response(200, LimitsSchema())
def show_limits() -> dict[str, Any]:
    """Each limit of the customer's tier: how much is used, how much is left, when it renews."""
    with transaction() as session:
        return limit_shapes.of_customer(session, principals.current().id, now=clock.now())
