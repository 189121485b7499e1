"""Posters: a QR that opens a generic code's page, in the app where a telephone has it."""

from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from core.errors import NotFound
from rewards import terms
from rewards.vouchers import batches, codes
from rewards.vouchers import rows as voucher_rows


def link(session: Session, voucher_id: UUID, *, public_url: str, now: datetime) -> str:
    """What opens where people scan the poster.

    raises  NotFound, also for a voucher that is one person's, and for a blocked one; CampaignNotRunning when it is over
            (posters are printed before it begins, and hang while it is paused)
    """
    row = connection_of(session).execute(_GENERIC, [voucher_id]).fetchone()
    if row is None:
        raise NotFound
    batches.check_not_over(terms.load_one(session, row[0]), now)
    code = voucher_rows.open_code(
        session, voucher_id=voucher_id, campaign_id=row[0], customer_id=None, ciphertext=row[1]
    )
    return f"{public_url.rstrip('/')}/c/{quote(codes.display(code), safe='')}"


_GENERIC = """
    SELECT campaign_id, code_ciphertext FROM rewards.voucher WHERE id = %s AND is_generic AND state = 'active'
"""
