"""What a customer's traits were before."""

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from auth import customers
from core.db import transaction
from core.web.doors import needs
from insights.profiles import histories
from insights.profiles.api.schemas import TraitHistorySchema

blueprint = Blueprint("insights_profiles_staff", __name__, description="Customers' traits")


@blueprint.get("/customers/<uuid:customer_id>/traits/<name>")
@blueprint.response(200, TraitHistorySchema())
@needs("customers.read")
def get_trait(customer_id: UUID, name: str) -> dict[str, Any]:
    """What a trait of a customer was from when on, the latest first: at most 200 values

    Of a value of more than 1,000 characters there is only how long it was, and its digest.
    """
    with transaction() as session:
        customers.find(session, customer_id)
        return {"name": name, "items": histories.history(session, customer_id, name)}
