"""What auth's commands share: one transaction for a deed, a refusal in one line, a row in the audit log."""

from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.orm import Session

from core import audit, clock
from core.db import transaction
from core.errors import Refusal

OPERATOR = "operator"


@contextmanager
def deed() -> Iterator[Session]:
    """One transaction, in which a refusal is told in one line."""
    try:
        with transaction() as session:
            yield session
    except Refusal as refusal:
        raise click.ClickException(refusal.detail) from refusal


def record(session: Session, action: str, target: str, change: dict[str, object]) -> None:
    audit.record(session, actor=OPERATOR, action=action, target=target, change=change, now=clock.now())
