"""Redemptions: one voucher used at a till by itself, its value moved to what the merchant is owed.

One statement looks up what is known, one call of `rewards.redeem` (migration 0032) does it all or nothing. What was
looked up may have changed meanwhile; then the call says so, and it is looked up again. A generic code that this process
has seen before is not looked up: the call then asks for itself what the look-up would have.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from core import ids
from core.db import Connection
from core.errors import Busy, Refusal
from core.idempotency import Answer, KeyReused
from rewards.baskets import Basket
from rewards.counters import USES, CountedUse
from rewards.errors import BudgetExhausted, LimitReached, RedemptionReferenceReused, VoucherUnknown, VoucherUsedUp
from rewards.funds import Funds
from rewards.redemption import calling, deciding, evidence, guesses, lookup, recording
from rewards.redemption.conditions import Name
from rewards.redemption.deciding import Use
from rewards.redemption.evidence import Evidence, Reference, Shown
from rewards.redemption.guesses import Guesser
from rewards.redemption.lookup import Found
from rewards.redemption.reasons import Missed
from rewards.redemption.recording import Redemption
from rewards.vouchers import codes
from wallet import accounts
from wallet.errors import AccountMissing, InsufficientFunds
from wallet.faults import refusals
from wallet.paying import reversals
from wallet.paying.errors import TillReferenceReused
from wallet.paying.tills import Till

#: How often what was looked up may have changed before it was written.
_TRIES = 5


class _Changed(Exception):
    """Something is not as it was looked up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A voucher at a till, with the basket that it is shown for.

    till_reference  the till's own number of this deed; the same request under it again gets the same answer
    customer_id     whose basket it is, where the till knows
    key             the request's idempotency key, and its fingerprint; None where it has none
    address         of the network, by which guessing is counted
    is_proved       its holder's phone has signed it: no wrong codes of theirs or of the till's stand in its way
    """

    till: Till
    reference: Reference
    basket: Basket
    currency: str
    till_reference: str
    customer_id: UUID | None = None
    key: str | None = None
    fingerprint: bytes | None = None
    address: str | None = None
    is_proved: bool = False

    @property
    def guesser(self) -> Guesser:
        if self.is_proved:
            return Guesser()
        return Guesser(terminal_id=self.till.terminal_id, customer_id=self.customer_id, address=self.address)

    @property
    def asked(self) -> bytes:
        """What a repetition repeats."""
        if self.fingerprint is not None:
            return self.fingerprint
        lines = [[line.sku, line.quantity, line.amount_minor, line.coupon_minor] for line in self.basket.lines]
        asked = [str(self.reference), self.currency, str(self.customer_id), lines]
        return hashlib.sha256(json.dumps(asked).encode()).digest()


def redeem(connection: Connection, request: Request, *, at: datetime) -> Redemption | Answer:
    """Use one voucher; who holds its code has shown it, so the till learns why it is refused. On a `statement()`
    connection, where the call is the whole transaction. The answer that is frozen under the request's key, if one is.

    raises   each refusal of `deciding.decide`, VoucherUnknown for a code that does not exist; KeyReused;
             RedemptionReferenceReused; TillReferenceReused; PaymentReversed after the till took it back;
             CodeGuessesExceeded
    effects  moves the value from budget or gift card to the merchant; announces voucher.redeemed
    """
    if made := _redeem_unseen(connection, request, at=at):
        return made
    for _ in range(_TRIES):
        try:
            return _redeem(connection, request, at=at)
        except _Changed:
            continue
    raise Busy


def _redeem_unseen(connection: Connection, request: Request, *, at: datetime) -> Redemption | None:
    """What becomes of a code that this process remembers; nothing, where only looking it up can tell.

    raises  what `_write` raises, since the call itself has asked for all that a look-up does
    """
    found = lookup.recall(request.reference)
    if found is None:
        return None
    try:
        use = _decide(connection, request, found, at=at)
    except Refusal:
        return None
    try:
        return _make(connection, request, found, use, at=at)
    except _Changed:
        return None


def _redeem(connection: Connection, request: Request, *, at: datetime) -> Redemption | Answer:
    skus = {line.sku for line in request.basket.lines}
    till, till_reference = request.till, request.till_reference
    found = lookup.find(connection, request.reference, till, till_reference, request.key, skus, request.guesser, at=at)
    before = _before(connection, request, found)
    if before is not None:
        return before
    guesses.refuse_until(found.locked_until, now=at)
    try:
        use = _decide(connection, request, found, at=at)
    except Refusal as refusal:
        # A twin that was made meanwhile may be the very reason.
        if lookup.stands(connection, till, till_reference, request.key):
            raise _Changed from refusal
        raise
    return _make(connection, request, found, use, at=at)


def _make(connection: Connection, request: Request, found: Found, use: Use, *, at: datetime) -> Redemption:
    """Write what was decided by what was found.

    raises  what `_write` raises
    """
    redemption = replace(
        recording.redemption_of(
            use,
            till=request.till,
            till_reference=request.till_reference,
            customer_id=request.customer_id,
            transfer_id=ids.new() if use.amount_minor else None,
            checkout_id=None,
            at=at,
        ),
        fingerprint=request.asked,
        request_key=request.key,
    )
    unseen = [] if found.remembered is None else [found.remembered, *guesses.columns_of(request.guesser, now=at)]
    _write(connection, use, redemption, unseen)
    return redemption


def _before(connection: Connection, request: Request, found: Found) -> Redemption | Answer | None:
    """What stands under the request's key, or under the till's reference."""
    if found.by_key is not None:
        kept = recording.by_id(connection, found.by_key)
        if kept.fingerprint != request.asked:
            raise KeyReused
        return replace(kept, replayed=True)
    if found.is_kept and request.key is not None:
        return lookup.kept_answer(connection, request.till, request.key, request.asked)
    if found.by_reference is not None:
        refusal = reversals.refusals(connection, [(request.till.terminal_id, request.till_reference)])
        reversed_ = [each for each in refusal.values() if not isinstance(each, TillReferenceReused)]
        if reversed_:
            raise reversed_[0]
        kept = recording.by_id(connection, found.by_reference)
        if kept.fingerprint != request.asked:
            raise RedemptionReferenceReused
        return replace(kept, replayed=True)
    return None


def _decide(connection: Connection, request: Request, found: Found, *, at: datetime) -> Use:
    """The one use that this is, by what was looked up; counters and budget are left to the call."""
    if isinstance(request.reference, str) and codes.is_mistyped(codes.normalise(request.reference)):
        raise VoucherUnknown.mistyped(voucher=0)
    held = found.held
    if held is None:
        raise VoucherUnknown(voucher=0)
    known = Evidence(Funds(are_read=False), vouchers={held.id: held})
    if held.terms.is_scoped:
        known.scopes[held.terms.campaign_id] = set(found.skus)
    if held.terms.is_gift_card:
        known.funds.read(connection, [held.account], always=True)
        known.frozen = evidence.frozen_of(connection, [held])
    shown = Shown((held.id,), request.customer_id, request.basket, request.till, request.currency, at)
    evidence.read_audiences(connection, known, [(shown, held)])
    evidence.read_rules(connection, known, [(shown, held)])
    uses = deciding.decide(known, shown)
    if not uses:
        raise VoucherUsedUp("There is nothing in the basket for the gift card to pay")
    return uses[0]


def _write(connection: Connection, use: Use, redemption: Redemption, unseen: Sequence[Any]) -> None:
    """raises  _Changed; LimitReached; BudgetExhausted; what a till's reference refuses"""
    payable = accounts.of_merchant(redemption.till.merchant_id, redemption.currency)
    call, parameters = calling.call_of(use, redemption, payable, unseen)
    try:
        with _alone(connection), refusals():
            if not call.is_true(connection, parameters):
                raise _Changed
    except psycopg.errors.IntegrityError as error:
        if error.diag.constraint_name in _CHANGES:
            raise _Changed from error
        raise
    except LimitReached as refusal:
        short = _limit_of(refusal, use)
        raise LimitReached(limit=short.cap, voucher=0) from _missed(
            use, "uses" if short.counted[2] == USES else "amount"
        )
    except KeyReused as error:
        name = (redemption.till.terminal_id, redemption.till_reference)
        raise reversals.refusals(connection, [name]).get(name) or TillReferenceReused() from error
    except InsufficientFunds as refusal:
        if use.voucher.terms.is_gift_card:
            raise _Changed from refusal
        raise BudgetExhausted(voucher=0) from _missed(use, "budget")
    except AccountMissing as missing:
        if missing.account_id != payable.id:
            raise BudgetExhausted(voucher=0) from _missed(use, "budget")
        accounts.open_all(connection, [payable])
        raise _Changed from missing


def _alone(connection: Connection) -> AbstractContextManager[Any]:
    """Within a transaction, a savepoint: what is refused is undone, and can be looked up again."""
    return nullcontext() if connection.autocommit else connection.transaction()


def _missed(use: Use, name: Name) -> Missed:
    """What the call has refused: counters and budget are its to judge."""
    assert use.case is not None
    use.voucher.used -= 1  # as it was counted when it was decided
    return Missed(use.case, name)


def _limit_of(refusal: LimitReached, use: Use) -> CountedUse:
    """The limit that stood in the way, by the place that the call has named."""
    error = refusal.__cause__
    place = error.diag.message_detail if isinstance(error, psycopg.Error) else None
    number = (place or "").partition("|")[0]
    return use.counted[int(number) - 1] if number.isdigit() else use.counted[0]


#: What the call finds changed since the look-up.
_CHANGES = {"ck_campaign_revision", "ck_voucher_changed", "uq_redemption_terminal_id_request_key"}
