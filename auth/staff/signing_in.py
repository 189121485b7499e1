"""Signing in as staff: by a passkey, or by the code that was mailed together with an authenticator's.

There are no passwords. To an address that nobody has, nothing is mailed and everything else looks the same. A recovery
code, together with a mailed one, signs nobody in: it lets its owner make another passkey or authenticator.
"""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from auth import limits, opaque, staff
from auth.limits import Limit
from auth.models import ACTIVE, Staff
from auth.proofs import MULTI_FACTOR, Owner, Proved
from auth.staff import contacts, invitations, locks, recovery_codes, totp
from auth.staff.events import StaffSignedIn
from auth.staff.models import StaffSignIn
from core import audit, crypto, ids
from core.audit.origin import network_of
from core.delivery import messages
from core.delivery.messages import NewMessage
from core.errors import NotFound
from core.events import announce

CODE_TTL = timedelta(minutes=10)
MAX_TRIES = 5
#: As long as its mail may still be under way.
KEPT_FOR = timedelta(hours=24)

# By who asks first: strangers must not use up the mails of somebody whose address they know.
_NETWORK_LIMIT = Limit("staff_network.quarter_hour", most=30, window=timedelta(minutes=15))
_PAIR_LIMIT = Limit("staff_pair.quarter_hour", most=5, window=timedelta(minutes=15))
_ADDRESS_LIMIT = Limit("staff_address.day", most=60, window=timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Wrong:
    """Not signed in, and how often it may still be tried; none left: begin again."""

    tries_left: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Too much was asked for or tried: nothing is looked at for so long."""

    seconds: int


def begin(session: Session, email: str, *, address: str | None, brand_name: str, now: datetime) -> str | Wait:
    """Mail a code to an address, if it is that of somebody who has joined; what the page holds of it.

    address  the caller's network address, for its limits
    effects  counts against the limits, also for an address that is nobody's
    """
    email, network = email.strip().lower(), network_of(address) or "unknown"
    counted = [(_NETWORK_LIMIT, network), (_PAIR_LIMIT, f"{network} {email}"), (_ADDRESS_LIMIT, email)]
    wait = limits.take(session, counted, now=now)
    if wait is not None:
        return Wait(wait)

    person = _somebody(session, email)
    handle, code, sign_in_id = opaque.new(), f"{secrets.randbelow(1_000_000):06}", ids.new()
    crypto.create_data_keys(session, [sign_in_id])
    session.add(
        StaffSignIn(
            id=sign_in_id,
            handle=opaque.kept("staff_sign_in", handle),
            staff_id=person.id if person else None,
            code=_kept(sign_in_id, code),
            expires_at=now + CODE_TTL,
        )
    )
    # To nobody's address a mail is written as well, in as many steps, and is over before it can leave: else the time
    # that the page takes would tell who works here.
    messages.enqueue(
        session,
        customer_id=sign_in_id,
        channel="email",
        recipient=email if person else "nobody@example.invalid",
        content={
            "subject": f"Your {brand_name} staff code",
            "text": f"{code} is your code to sign in as {brand_name}'s staff. It works for 10 minutes, together with "
            "your authenticator. Tell it to nobody: none of us will ask you for it.",
        },
        purpose="sign_in",
        due_at=now,
        expires_at=now + CODE_TTL if person else now,
        now=now,
    )
    return handle


def by_codes(session: Session, handle: str, *, mailed: str, shown: str, now: datetime) -> Proved | Wrong | Wait:
    """Sign in with the mailed code and the authenticator's.

    effects  uses the sign-in and the authenticator's step up; wrong ones count. Returned, not raised, so that what was
             counted is committed. Announces staff.signed_in
    """
    person = _judged(session, handle, mailed, lambda person: totp.prove(session, person.id, shown, now=now), now=now)
    if not isinstance(person, Staff):
        return person
    return signed_in(session, person, acr=MULTI_FACTOR, amr=("otp", "mfa"), now=now)


def by_recovery_code(session: Session, handle: str, *, mailed: str, code: str, now: datetime) -> str | Wrong | Wait:
    """The path of the page on which who holds a recovery code makes another means to sign in.

    effects  uses the sign-in and the recovery code up; wrong ones count
    """
    person = _judged(
        session, handle, mailed, lambda person: recovery_codes.use(session, person.id, code, now=now), now=now
    )
    if not isinstance(person, Staff):
        return person
    name = f"staff:{person.id}"
    audit.record(session, actor=name, action="staff.recovery_code", target=name, change={}, now=now)
    return invitations.let_recover(session, person.id, now=now)


def signed_in(session: Session, person: Staff, *, acr: str, amr: tuple[str, ...], now: datetime) -> Proved:
    """effects  announces staff.signed_in, and keeps it in the audit log"""
    locks.clear(person)
    name = f"staff:{person.id}"
    audit.record(session, actor=name, action="staff.sign_in", target=name, change={"amr": list(amr)}, now=now)
    announce(session, StaffSignedIn(occurred_at=now, staff_id=person.id, amr=list(amr)))
    return Proved(owner=Owner(staff_id=person.id), auth_time=now, acr=acr, amr=amr)


def active(session: Session, staff_id: UUID | None) -> Staff | None:
    """A person who may sign in, with their row locked."""
    person = session.get(Staff, staff_id, with_for_update=True, populate_existing=True) if staff_id else None
    return person if person is not None and person.status == ACTIVE else None


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop up to `most` attempts that are long over, and with their data keys the mails; returns how many."""
    over = select(StaffSignIn.id).where(StaffSignIn.expires_at <= now - KEPT_FOR).limit(most)
    gone = session.scalars(delete(StaffSignIn).where(StaffSignIn.id.in_(over)).returning(StaffSignIn.id)).all()
    for sign_in_id in gone:
        crypto.destroy_data_key(session, sign_in_id)
    return len(gone)


def _judged(
    session: Session, handle: str, mailed: str, is_right: Callable[[Staff], bool], *, now: datetime
) -> Staff | Wrong | Wait:
    """The person whose mailed code this is and who shows a second thing that is right.

    One answer for whichever of the two was wrong. The second is looked at only with the first: else a stranger could
    lock out whom they merely know, or try recovery codes without their mailbox.
    """
    kept = opaque.kept("staff_sign_in", handle)
    row = session.scalar(select(StaffSignIn).where(StaffSignIn.handle == kept).with_for_update())
    if row is None or row.used_at is not None or row.tries >= MAX_TRIES or now >= row.expires_at:
        return Wrong(tries_left=0)
    if not hmac.compare_digest(row.code, _kept(row.id, mailed)):
        return _count_wrong(row)
    person = active(session, row.staff_id)
    if person is None:
        return _count_wrong(row)
    wait = locks.wait(person, now=now)
    if wait is not None:
        return Wait(wait)
    if not is_right(person):
        if locks.count_wrong(session, person, now=now):
            _tell_locked(session, person, now=now)
        return _count_wrong(row)
    row.used_at = now
    return person


def _tell_locked(session: Session, person: Staff, *, now: datetime) -> None:
    """Keep it in the audit log, and write to the person and to who looks after staff."""
    name = f"staff:{person.id}"
    audit.record(session, actor=name, action="staff.lock", target=name, change={}, now=now)
    text = f"Five wrong codes were sent in together with a code that was mailed to {name}. Until it is over in a "
    text += "quarter of an hour, nobody signs in as this person but by passkey."
    addresses = {each.staff_id: each.email for each in contacts.with_permission(session, "staff.write")}
    addresses[person.id] = staff.email_of(session, person.id)
    letters = [
        NewMessage(
            customer_id=staff_id,
            channel="email",
            recipient=email,
            content={"subject": "Wrong codes at a staff sign-in", "text": text},
            purpose="staff",
            due_at=now,
        )
        for staff_id, email in addresses.items()
    ]
    messages.enqueue_all(session, letters, now=now)


def _count_wrong(row: StaffSignIn) -> Wrong:
    row.tries += 1
    return Wrong(tries_left=MAX_TRIES - row.tries)


def _somebody(session: Session, email: str) -> Staff | None:
    try:
        person = staff.by_email(session, email)
    except NotFound:
        return None
    return person if person.status == ACTIVE and person.joined_at is not None else None


def _kept(sign_in_id: UUID, code: str) -> bytes:
    return opaque.kept("staff_code", f"{sign_in_id}:{code}")
