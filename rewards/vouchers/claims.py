"""Claiming: a signed-in customer makes a code theirs, so that it stands in their wallet and nobody else can use it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of, transaction
from core.events import announce
from rewards import audiences, terms
from rewards.campaigns import holdouts
from rewards.campaigns.errors import HeldOut
from rewards.errors import NotInAudience, VoucherExpired, VoucherUnknown, VoucherUsedUp
from rewards.redemption import guesses
from rewards.redemption.guesses import Guesser
from rewards.terms import Terms
from rewards.vouchers import codes, issuing
from rewards.vouchers import rows as voucher_rows
from rewards.vouchers.events import VoucherClaimed
from rewards.vouchers.issuing import Issue


@dataclass(frozen=True, slots=True)
class _Found:
    id: UUID
    campaign_id: UUID
    customer_id: UUID | None
    ciphertext: bytes
    state: str
    is_generic: bool
    expires_at: datetime | None


def attempt(session: Session, *, code: str, customer_id: UUID, address: str | None, now: datetime) -> UUID:
    """`claim`, where who tries many codes is stopped.

    raises   CodeGuessesExceeded after too many wrong codes; what `claim` raises
    effects  a wrong code counts, in a transaction of its own since the caller's is rolled back
    """
    guesser = Guesser(customer_id=customer_id, address=address)
    guesses.refuse_when_locked(connection_of(session), guesser, now=now)
    try:
        return claim(session, code=code, customer_id=customer_id, now=now)
    except VoucherUnknown as refusal:
        with transaction() as counting:
            guesses.note(counting, guesser, refusal, now=now)
        raise


def claim(session: Session, *, code: str, customer_id: UUID, now: datetime) -> UUID:
    """The customer's voucher for this code: its own one, or for a generic code one of their own, once.

    raises   VoucherUnknown for a wrong code, a blocked one and somebody else's; VoucherExpired; VoucherUsedUp;
             CampaignNotRunning; NotInAudience; for a generic code the refusals of `vouchers.issue_each`
    effects  seals the code under the customer's key; its days begin now; announces voucher.claimed, and for a generic
             code voucher.issued
    """
    normal = codes.normalise(code)
    if codes.is_mistyped(normal):
        raise VoucherUnknown.mistyped()
    found = _find(session, normal)
    if found.customer_id is not None and found.customer_id != customer_id:
        raise VoucherUnknown
    if found.customer_id == customer_id:
        return found.id
    if found.is_generic:
        return _claim_generic(session, found, customer_id, now)
    return _claim_bearer(session, found, customer_id, now)


def _find(session: Session, normal: str) -> _Found:
    """The voucher of a code; a bearer's locked, since whoever is first has it. A sandbox's is nobody's to claim.

    raises  VoucherUnknown, also for a blocked one, and a gift card that no till has sold yet
    """
    connection = connection_of(session)
    row = connection.execute(_FIND, [codes.index(normal)]).fetchone()
    if row is not None and not row[5]:
        row = connection.execute(f"{_FIND} FOR NO KEY UPDATE", [codes.index(normal)]).fetchone()
    if row is None or row[4] in ("blocked", "inactive"):
        raise VoucherUnknown
    return _Found(*row)


def _claim_generic(session: Session, found: _Found, customer_id: UUID, now: datetime) -> UUID:
    if found.expires_at is not None and now >= found.expires_at:
        raise VoucherExpired(expired_at=found.expires_at.isoformat())
    source = f"claim:{found.campaign_id}:{customer_id}"
    row = connection_of(session).execute(_HOLDER, [source]).fetchone()
    if row is not None and row[0] != customer_id:
        raise VoucherUsedUp.given_on()
    given = Issue(campaign_id=found.campaign_id, customer_id=customer_id, source=source)
    try:
        voucher = issuing.issue(session, given, now=now)
    except HeldOut as refusal:
        raise NotInAudience from refusal  # who is held out is not to know of it
    if not voucher.replayed:
        _tell(session, voucher.id, found, customer_id, now)
    return voucher.id


def _claim_bearer(session: Session, found: _Found, customer_id: UUID, now: datetime) -> UUID:
    of = terms.load_one(session, found.campaign_id)
    _check(session, found, of, customer_id, now)

    _, sealed = voucher_rows.reseal(
        session,
        voucher_id=found.id,
        campaign_id=found.campaign_id,
        ciphertext=found.ciphertext,
        from_=None,
        to=customer_id,
    )
    expires_at = of.expiry(now) if of.voucher_days and not of.is_gift_card else found.expires_at
    connection_of(session).execute(_CLAIM, [customer_id, sealed, expires_at, found.id])

    _tell(session, found.id, found, customer_id, now)
    return found.id


def _check(session: Session, found: _Found, of: Terms, customer_id: UUID, now: datetime) -> None:
    if found.expires_at is not None and now >= found.expires_at:
        raise VoucherExpired(expired_at=found.expires_at.isoformat())
    if found.state == "used_up":
        raise VoucherUsedUp
    if of.is_gift_card:  # its value goes on when its campaign has ended
        if connection_of(session).execute(_IS_PAID_FOR, [found.id]).fetchone() is not None:
            return  # with money: whoever holds it has bought it
    else:
        of.check_running(now)
    if of.audience_id is not None:
        pair = (of.audience_id, customer_id)
        if pair not in audiences.members(connection_of(session), [pair]):
            raise NotInAudience
    if holdouts.is_held_out(of, customer_id):
        raise NotInAudience


def _tell(session: Session, voucher_id: UUID, found: _Found, customer_id: UUID, now: datetime) -> None:
    announce(
        session,
        VoucherClaimed(
            customer_id=customer_id,
            occurred_at=now,
            voucher_id=voucher_id,
            campaign_id=found.campaign_id,
            is_from_generic=found.is_generic,
        ),
    )


_FIND = """
    SELECT id, campaign_id, customer_id, code_ciphertext, state, is_generic, expires_at
      FROM rewards.voucher
     WHERE code_index = %s AND (SELECT currency FROM rewards.campaign c WHERE c.id = campaign_id) <> 'XTS'
"""

_HOLDER = "SELECT customer_id FROM rewards.voucher WHERE source = %s"

_IS_PAID_FOR = "SELECT FROM rewards.gift_card WHERE voucher_id = %s AND keeps_until IS NOT NULL"

_CLAIM = "UPDATE rewards.voucher SET customer_id = %s, code_ciphertext = %s, expires_at = %s WHERE id = %s"
