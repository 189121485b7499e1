"""Giving tokens: one of a voucher lives at a time, for one phone, so that what can be spent twice has a bound."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import ids
from core.db import Connection, connection_of
from rewards import funds, terms
from rewards.errors import VoucherExpired, VoucherUnknown, VoucherUsedUp
from rewards.offline import phone_keys, till_terms, tokens
from rewards.offline.errors import OfflineBarred, OfflineKeyMissing, OfflineRefused, OfflineTokenElsewhere
from rewards.offline.models import OfflineKey, OfflineToken
from rewards.offline.signing import Signer
from rewards.terms import Terms
from rewards.vouchers import rows as voucher_rows
from wallet import standing
from wallet.errors import AccountFrozen

#: Whoever's token was spent twice at the brand's cost pays online for so long.
BARRED = timedelta(days=30)

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the deployment's settings want tokens. gift_card_most_minor: 0 for no gift cards"""

    lives: timedelta
    gift_card_most_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    id: UUID
    voucher_id: UUID
    token: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Voucher:
    campaign_id: UUID
    expires_at: datetime | None
    used: int
    uses_cap: int | None


def issue(
    session: Session, *, customer_id: UUID, voucher_id: UUID, signer: Signer, policy: Policy, now: datetime
) -> Issued:
    """A token by which this customer's phone shows a voucher offline; while one lives, the same one again.

    It reserves nothing: the voucher can be used online as before, and what is first holds.
    raises   VoucherUnknown, also for someone else's and a blocked one; OfflineKeyMissing; OfflineTokenElsewhere;
             OfflineBarred; OfflineRefused with its `reasons`; AccountFrozen; what says that it cannot be used now
    effects  locks the voucher
    """
    connection = connection_of(session)
    voucher = _lock(connection, voucher_id, customer_id)
    key = session.get(OfflineKey, customer_id)
    if key is None:
        raise OfflineKeyMissing
    if standing.frozen_of(connection, {f"customer:{customer_id}"}):
        raise AccountFrozen
    _refuse_barred(connection, customer_id, now)
    of = terms.load(connection, [voucher.campaign_id])[voucher.campaign_id]
    since = now.replace(microsecond=0)
    until = _end(of, voucher, since, policy)
    value_minor = _value(connection, of, voucher, voucher_id, policy)
    living = _living(session, voucher_id, now)
    if living is not None:
        if living.key_fingerprint != key.fingerprint:
            raise OfflineTokenElsewhere(until=living.expires_at.isoformat())
        return _issued(living, signer)

    if of.is_gift_card:
        tells = till_terms.of_gift_card(of, min(value_minor, policy.gift_card_most_minor))
    else:
        tells = till_terms.of_coupon(connection, of, since=since, until=until)
    made = OfflineToken(
        id=ids.new(),
        voucher_id=voucher_id,
        customer_id=customer_id,
        key_fingerprint=key.fingerprint,
        issued_at=since,
        expires_at=until,
    )
    made.claims = tokens.claims_of(
        token_id=made.id,
        voucher_id=voucher_id,
        issued_at=since,
        expires_at=until,
        key=phone_keys.of_pem(key.public_key),
        terms=tells,
    )
    issued = _issued(made, signer)
    if len(issued.token) > tokens.MOST_CHARACTERS:
        raise OfflineRefused(reasons=[{"about": "size", "says": "What a till must know of it does not fit into a QR."}])
    session.add(made)
    session.flush()
    return issued


def _lock(connection: Connection, voucher_id: UUID, customer_id: UUID) -> _Voucher:
    row = connection.execute(_LOCK, [voucher_id, customer_id]).fetchone()
    if row is None:
        raise VoucherUnknown
    return _Voucher(*row)


def _refuse_barred(connection: Connection, customer_id: UUID, now: datetime) -> None:
    row = connection.execute(_LAST_LOSS, [customer_id, now - BARRED]).fetchone()
    if row and row[0]:
        raise OfflineBarred(until=(row[0] + BARRED).isoformat())


def _living(session: Session, voucher_id: UUID, now: datetime) -> OfflineToken | None:
    """The token that a till may yet take: not expired, and not known to be spent."""
    row = connection_of(session).execute(_LIVING, [voucher_id, now]).fetchone()
    return session.scalar(select(OfflineToken).where(OfflineToken.id == row[0])) if row else None


def _end(of: Terms, voucher: _Voucher, since: datetime, policy: Policy) -> datetime:
    """When the token expires: with the voucher and its campaign at the latest."""
    ends = [since + policy.lives]
    if voucher.expires_at is not None:
        if since + _SECOND >= voucher.expires_at:
            raise VoucherExpired(expired_at=voucher.expires_at.isoformat())
        ends.append(voucher.expires_at)
    if not of.is_gift_card:
        of.check_running(since + _SECOND)
        ends.append(of.ends_at)
    return min(ends).replace(microsecond=0)


def _value(connection: Connection, of: Terms, voucher: _Voucher, voucher_id: UUID, policy: Policy) -> int:
    """What a gift card holds; 0 for a coupon.

    raises  VoucherUsedUp where nothing is left; OfflineRefused for gift cards where none are taken offline
    """
    if not of.is_gift_card:
        if voucher.uses_cap is not None and voucher.used >= voucher.uses_cap:
            raise VoucherUsedUp(used=voucher.used, limit=voucher.uses_cap)
        return 0
    if not policy.gift_card_most_minor:
        raise OfflineRefused(reasons=[{"about": "gift card", "says": "Gift cards pay online only."}])
    account_id = terms.gift_account(voucher_id, of.currency)
    value = funds.available(connection, [account_id]).get(account_id, 0)
    if value <= 0:
        raise VoucherUsedUp
    return value


def _issued(row: OfflineToken, signer: Signer) -> Issued:
    return Issued(
        id=row.id,
        voucher_id=row.voucher_id,
        token=signer.sign(row.claims),
        issued_at=row.issued_at,
        expires_at=row.expires_at,
    )


_LOCK = f"""
    SELECT v.campaign_id, v.expires_at, v.used, {voucher_rows.USES_CAP}
      FROM rewards.voucher v JOIN rewards.campaign c ON c.id = v.campaign_id
     WHERE v.id = %s AND v.customer_id = %s AND v.state <> 'blocked' FOR NO KEY UPDATE OF v
"""  # noqa: S608 - constants only

# What was spent twice; that a campaign was changed, or that a card lapsed before the till told, is not their doing.
_LAST_LOSS = """
    SELECT max(r.accepted_at) FROM rewards.offline_redemption r JOIN rewards.voucher v ON v.id = r.voucher_id
     WHERE r.customer_id = %s AND r.borne_by = 'brand' AND r.state = 'conflict' AND r.accepted_at > %s
       AND r.code IN ('voucher_used_up', 'offline_spent_elsewhere', 'offline_value_missing', 'offline_given_away')
       AND (v.expires_at IS NULL OR v.expires_at > r.synced_at)
"""

_LIVING = """
    SELECT t.id FROM rewards.offline_token t
     WHERE t.voucher_id = %s AND t.expires_at > %s
       AND NOT EXISTS (SELECT FROM rewards.offline_redemption r
                        WHERE r.token_id = t.id AND r.state <> 'reversed'
                          AND (r.redemption_id IS NOT NULL OR r.loss_id IS NOT NULL))
     ORDER BY t.expires_at DESC LIMIT 1
"""
