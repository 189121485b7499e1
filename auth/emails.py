"""E-mail addresses of customers: typed by anyone, theirs once they sent back the code that was written there.

Until then nothing changes: an address that was proved before stays, and nobody learns whose an address is.
"""

import hmac
import re
import secrets
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth import limits, opaque
from auth.errors import EmailCodeWrong, EmailInvalid
from auth.events import EmailDropped, EmailProved
from auth.limits import Limit
from auth.models import Customer, EmailProof
from core import crypto
from core.delivery import messages, withdrawing
from core.errors import NotFound
from core.events import announce

CODE_TTL = timedelta(minutes=15)
MAX_TRIES = 5

_PLACE = "auth.customer.email"
_PROOF_PLACE = "auth.email_proof.email"

_CUSTOMER_LIMITS = (
    Limit("email.hour", most=5, window=timedelta(hours=1)),
    Limit("email.day", most=10, window=timedelta(days=1)),
)
# Whoever owns an address may have asked for none of these mails. Counted by the address alone, one stranger could use
# them up and lock its owner out for the day: so first by who asks.
_PAIR_LIMIT = Limit("email_pair.day", most=5, window=timedelta(days=1))
_ADDRESS_LIMIT = Limit("email_address.day", most=30, window=timedelta(days=1))

#: RFC 5321's plain form: no quotes and no comments, which only ever were used to smuggle a second address in.
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_EMAIL = re.compile(rf"{_ATOM}(\.{_ATOM})*@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]\Z")


def normalised(text: str) -> str:
    """An address in its one spelling: lower case throughout, as people forget which letters they wrote large.

    raises  EmailInvalid
    """
    email = text.strip().lower()
    if len(email) > 254 or email.find("@") > 64 or not _EMAIL.match(email):
        raise EmailInvalid
    return email


def index_of(email: str) -> bytes:
    return crypto.blind_index("auth.customer_email", email)


def ask(session: Session, customer_id: UUID, email: str, *, brand_name: str, now: datetime) -> int | None:
    """Write a one-time code to an address that a customer says is theirs; the seconds to wait where too many were.

    raises   EmailInvalid, NotFound; crypto.Erased
    effects  counts against the limits, also when it refuses; an earlier code works no more
    """
    email = normalised(email)
    if session.get(Customer, customer_id) is None:
        raise NotFound
    counted = [(limit, str(customer_id)) for limit in _CUSTOMER_LIMITS]
    counted += [(_PAIR_LIMIT, f"{customer_id} {email}"), (_ADDRESS_LIMIT, email)]
    wait = limits.take(session, counted, now=now)
    if wait is not None:
        return wait

    code = f"{secrets.randbelow(1_000_000):06}"
    values = {
        "email": crypto.seal(session, owner_id=customer_id, place=_PROOF_PLACE, row_id=customer_id, text=email),
        "code": _kept(customer_id, email, code),
        "attempts": 0,
        "expires_at": now + CODE_TTL,
    }
    statement = insert(EmailProof).values(customer_id=customer_id, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["customer_id"], set_=values))
    messages.enqueue(
        session,
        customer_id=customer_id,
        channel="email",
        recipient=email,
        content={
            "subject": f"Your {brand_name} code",
            "text": f"{code} is your {brand_name} code. It works for 15 minutes. Tell it to nobody.\n"
            "If you did not ask for it, ignore this mail: nothing will change.",
        },
        purpose="sign_in",
        due_at=now,
        expires_at=now + CODE_TTL,
        now=now,
    )
    return None


def prove(session: Session, customer_id: UUID, code: str, *, now: datetime) -> EmailCodeWrong | None:
    """Try a code; None when it was right and the address is the customer's from now on.

    returns  the refusal, to be raised once what it counted is committed; the same for a code that is wrong, too old,
             tried too often or was never sent
    raises   EmailTaken where another customer proved the same address: told only to who has proved it
    effects  announces email.proved
    """
    query = select(EmailProof).where(EmailProof.customer_id == customer_id).with_for_update()
    proof = session.scalar(query)
    if proof is None or proof.expires_at <= now or proof.attempts >= MAX_TRIES:
        return EmailCodeWrong(tries_left=0)
    email = crypto.unseal(session, owner_id=customer_id, place=_PROOF_PLACE, row_id=customer_id, ciphertext=proof.email)
    if not hmac.compare_digest(proof.code, _kept(customer_id, email, code)):
        proof.attempts += 1
        return EmailCodeWrong(tries_left=MAX_TRIES - proof.attempts)

    customer = session.get_one(Customer, customer_id, with_for_update=True)
    customer.email = sealed(session, customer_id, email)
    customer.email_index, customer.email_verified_at = index_of(email), now
    session.delete(proof)
    session.flush()

    announce(session, EmailProved(customer_id=customer_id, occurred_at=now))
    return None


def drop(session: Session, customer_id: UUID, *, now: datetime) -> None:
    """Forget a customer's address and a code under way; what waits to be sent there is taken back.

    raises   NotFound
    effects  announces email.dropped where there was one
    """
    customer = session.get(Customer, customer_id, with_for_update=True)
    if customer is None:
        raise NotFound
    if customer.email is not None:
        announce(session, EmailDropped(customer_id=customer_id, occurred_at=now))
    customer.email = customer.email_index = customer.email_verified_at = None
    session.execute(delete(EmailProof).where(EmailProof.customer_id == customer_id))
    withdrawing.withdraw(session, customer_ids=[customer_id], channel="email", reason="address_gone", now=now)


def by_email(session: Session, email: str) -> UUID | None:
    """Who proved this address.

    raises  EmailInvalid
    """
    query = select(Customer.id).where(
        Customer.email_index == index_of(normalised(email)), Customer.email_verified_at.is_not(None)
    )
    return session.scalar(query)


def sealed(session: Session, customer_id: UUID, email: str) -> bytes:
    """raises  crypto.Erased"""
    return crypto.seal(session, owner_id=customer_id, place=_PLACE, row_id=customer_id, text=email)


def opened(session: Session, customer_id: UUID, ciphertext: bytes | None) -> str:
    """raises  crypto.Erased, also where there is none"""
    if ciphertext is None:
        raise crypto.Erased
    return crypto.unseal(session, owner_id=customer_id, place=_PLACE, row_id=customer_id, ciphertext=ciphertext)


def forget(session: Session, *, now: datetime, most: int) -> int:
    """Drop up to `most` codes that have run out, with the addresses that they went to; returns how many."""
    over = select(EmailProof.customer_id).where(EmailProof.expires_at <= now).limit(most)
    gone = delete(EmailProof).where(EmailProof.customer_id.in_(over), EmailProof.expires_at <= now)
    return len(session.execute(gone.returning(EmailProof.customer_id)).all())


def _kept(customer_id: UUID, email: str, code: str) -> bytes:
    return opaque.kept("email_code", f"{customer_id}:{email}:{code}")
