"""What sessions announce."""

from dataclasses import dataclass
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class SessionEnded(Event):
    """What one sign-in began is over, with every token of it; `reason`: "signed_out", "suspended", "code_reused"…"""

    name = "session.ended"
    log_only = True

    session_id: UUID
    staff_id: UUID | None
    reason: str
