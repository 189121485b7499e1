"""What must stand before a condition is gone by."""

from datetime import datetime

from sqlalchemy.orm import Session

from core.db import connection_of
from insights.segments.parsing import Condition
from insights.streams import catalogue as streams


def prepare(session: Session, condition: Condition, *, now: datetime) -> bool:
    """See that what a condition counts is counted; True once it is counted whole.

    effects  new streams are filled from the log by the worker; till then they count too little
    """
    asked = condition.streams
    return streams.ensure(connection_of(session), asked, now) if asked else True
