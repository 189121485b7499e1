"""Tokens of a sandbox's terminal, handed to its integrator: in production, too, since they open nothing real."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from auth import merchants
from auth import tokens as access_tokens
from core import audit
from core.errors import NotFound
from rewards.tills.models import Sandbox

TTL = timedelta(days=1)

_CLIENT = "sandbox"


def mint(session: Session, merchant_id: UUID, *, actor: str, now: datetime) -> tuple[str, datetime]:
    """An access token of the terminal that the sandbox was made with, and when it ends.

    raises   NotFound, also for a terminal (or its store, or merchant) that was suspended
    effects  an audit row
    """
    sandbox = session.get(Sandbox, merchant_id)
    if sandbox is None:
        raise NotFound("There is no such sandbox")
    till = merchants.till_of(session, sandbox.terminal_id)
    if not till.is_active:
        raise NotFound("There is no such sandbox")
    change = {"terminal_id": str(sandbox.terminal_id)}
    audit.record(session, actor=actor, action="sandbox.token", target=f"merchant:{merchant_id}", change=change, now=now)
    principal = merchants.principal_of(till)
    token = access_tokens.mint(principal, audience=access_tokens.MERCHANT, client_id=_CLIENT, now=now, ttl=TTL)
    return token, now + TTL
