"""What is due of vouchers in bulk: batches whose codes are to be made, or whose audience is to be served."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from core import work
from core.db import transaction
from core.errors import Busy, DatabaseUnavailable
from core.work import Work
from rewards.gift_cards import printing
from rewards.vouchers import imports, mailings, making
from rewards.vouchers.models import BUDGET, IMPORT, MADE, MAILING, WAITING, CodeBatch

_LONGEST_BACK_OFF = timedelta(hours=1)

_log = logging.getLogger(__name__)

#: What takes a batch of each kind one chunk further, and says how many vouchers (or refusals) that were.
_STEPS: dict[str, Callable[..., int]] = {
    MADE: making.make_some,
    MAILING: mailings.publish_some,
    IMPORT: imports.import_some,
}


def work_off(now: datetime) -> int:
    """Take the batch that waits longest one chunk further; says how much that was (0: nothing is due).

    A batch that fails is tried again later and later, and shows what failed; the others go on.
    """
    batch_id: UUID | None = None
    try:
        with transaction() as session:
            due = work.lock_due(session, CodeBatch, states=[WAITING], limit=1, now=now)
            if not due:
                return 0
            batch_id = due[0].id
            # One that only waits for its campaign counts too: it is not due any more, and others may be.
            step = printing.make_some if due[0].funding == BUDGET else _STEPS[due[0].kind]
            return max(step(session, due[0], now=now), 1)
    except (Busy, DatabaseUnavailable):
        raise
    except Exception as error:
        if batch_id is None:
            raise
        # The error's own words may hold data, so only its kind stays.
        _log.error("batch %s of vouchers cannot go on: %s", batch_id, type(error).__name__)
        with transaction() as session:
            _put_off(session, batch_id, error=type(error).__name__, now=now)
        return 1


WORK = [Work("rewards.batches", work_off, yields=True)]


def _put_off(session: Session, batch_id: UUID, *, error: str, now: datetime) -> None:
    batch = session.get(CodeBatch, batch_id, with_for_update=True)
    if batch is not None and batch.state == WAITING:
        batch.attempts += 1
        batch.due_at = now + min(timedelta(seconds=2 ** min(batch.attempts, 12)), _LONGEST_BACK_OFF)
        batch.last_error = error
