"""What the doors that move value have in common where they take an approval."""

from uuid import UUID

from auth.step_up import approvals
from core import clock
from core.web import idempotent, principals


def beside(approval_id: UUID | None) -> idempotent.Beside | None:
    """What is written with a refusal: an approval that was sent with something else than was approved is void."""
    if approval_id is None:
        return None
    return approvals.voiding(approval_id, customer_id=principals.current().id, now=clock.now())
