"""Handing a voucher over: it becomes somebody else's, with its code under their key."""

from uuid import UUID

from sqlalchemy.orm import Session

from core import crypto
from core.db import connection_of
from rewards.vouchers import codes
from rewards.vouchers import rows as voucher_rows


def park(session: Session, voucher_id: UUID, *, holder_id: UUID, gift_id: UUID) -> None:
    """Take a voucher out of its holder's hands: it is the gift's own, and its code opens nothing while it is.

    effects  the gift has a data key of its own, which keeps the code for when the gift comes back
    """
    crypto.create_data_keys(session, [gift_id])
    code = _code_of(session, voucher_id, holder_id)
    index = crypto.blind_index("rewards.gift.parked", str(gift_id))
    _write(session, voucher_id, gift_id, code, index=index, state="inactive")


def give_back(session: Session, voucher_id: UUID, *, gift_id: UUID, giver_id: UUID) -> None:
    """Put a parked voucher back into its giver's hands, with the code that it had: nobody else was told it."""
    code = _code_of(session, voucher_id, gift_id)
    _write(session, voucher_id, giver_id, code)


def hand_over(session: Session, voucher_id: UUID, *, receiver_id: UUID) -> None:
    """Give a parked voucher to its receiver with a code of their own: its giver knows the old one.

    raises  Erased when the receiver is
    """
    _write(session, voucher_id, receiver_id, codes.draw())


def _code_of(session: Session, voucher_id: UUID, owner_id: UUID) -> str:
    row = connection_of(session).execute(_SEALED, [voucher_id]).fetchone()
    assert row, "vouchers are not deleted"
    return voucher_rows.open_code(
        session, voucher_id=voucher_id, campaign_id=row[0], customer_id=owner_id, ciphertext=row[1]
    )


def _write(
    session: Session, voucher_id: UUID, owner_id: UUID, code: str, *, index: bytes | None = None, state: str = "active"
) -> None:
    sealed = crypto.seal(session, owner_id=owner_id, place=voucher_rows.CODE_PLACE, row_id=voucher_id, text=code)
    index = codes.index(codes.normalise(code)) if index is None else index
    connection_of(session).execute(_HAND_OVER, [owner_id, index, sealed, codes.normalise(code)[-4:], state, voucher_id])


_SEALED = "SELECT campaign_id, code_ciphertext FROM rewards.voucher WHERE id = %s"

# One that staff have blocked stays so, whoever has it.
_HAND_OVER = """
    UPDATE rewards.voucher
       SET customer_id = %s, code_index = %s, code_ciphertext = %s, last4 = %s,
           state = CASE WHEN state = 'blocked' THEN state ELSE %s END
     WHERE id = %s
"""
