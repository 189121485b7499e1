"""Keeping refusals: after the refused transaction has gone, or beside a basket that is taken without the voucher.

Only vouchers that were found are kept, so guessing codes fills nothing; of each voucher the latest, so showing one
again and again fills nothing either; and 90 days at most. It names nobody: ids, amounts and the reason's figures.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from core import ids
from core.db import Connection, connection_of
from core.errors import Refusal
from rewards.offers import standing
from rewards.redemption import conditions, guesses, reasons
from rewards.redemption.guesses import Guesser
from rewards.redemption.reasons import CODES, Missed, Reason

#: How many a voucher keeps; a code that many show keeps more, since it is staff who look there.
MOST_OF_OWN = 20
MOST_OF_GENERIC = 200
KEPT = timedelta(days=90)
#: The longest reason, in characters: a rule over a thousand lines tells each of them.
_LONGEST = 20_000


def note_shown(session: Session, guesser: Guesser, refusal: Refusal, *, now: datetime) -> None:
    """A code that there is not counts as a guess; of a voucher that there is the reason is kept."""
    guesses.note(session, guesser, refusal, now=now)
    note(session, refusal, now=now)


def note(session: Session, refusal: Refusal, *, now: datetime) -> None:
    """Keep a refusal, if it is one of a voucher that there is."""
    if isinstance(refusal.__cause__, Missed):
        keep_all(connection_of(session), [refusal.__cause__], now=now)


def keep_all(connection: Connection, missed: Sequence[Missed], *, now: datetime) -> None:
    """Keep what vouchers were refused for, and forget the oldest of each beyond what it may keep."""
    for each in missed:
        held, visit = each.case.voucher, each.case.visit
        facts, till = visit.facts, visit.facts.till
        if held is None or till is None:
            continue
        reason = each.reason or _reason(connection, each)
        most = MOST_OF_GENERIC if held.is_generic else MOST_OF_OWN
        connection.execute(_TRIM, [held.id, most - 1])
        connection.execute(
            _INSERT,
            [
                ids.new(), held.id, each.case.terms.campaign_id, facts.customer_id, till.merchant_id, till.store_id,
                till.terminal_id, CODES[each.name], visit.total_minor, facts.currency, _json(reason), now,
            ],
        )  # fmt: skip


def forget(connection: Connection, *, before: datetime, most: int) -> int:
    """Drop refusals of before then, the oldest first; says how many that were."""
    return connection.execute(_FORGET, [_first_id(before), most]).rowcount


def _reason(connection: Connection, missed: Missed) -> Reason:
    """What the statement that refused it did not say: counters and budget are read as they stand just after it."""
    if not missed.case.terms.is_gift_card:
        conditions.weigh(missed.case)
        standing.complete(connection, missed.case)
    found = reasons.of(missed.case)
    told = [each for each in found.conditions if each["code"] == CODES[missed.name]]
    if told and all(each["is_met"] for each in told):
        told[0]["is_met"] = False  # what was given back since does not make it taken
    return found


def _json(reason: Reason) -> str:
    told = {"conditions": reason.conditions, "rule": reason.rule}
    text = json.dumps(told)
    return text if len(text) <= _LONGEST else json.dumps(told | {"rule": {"is_met": False, "is_cut": True}})


def _first_id(at: datetime) -> UUID:
    """No id made at that moment or later is less."""
    return UUID(int=int(at.timestamp() * 1_000) << 80)


# It waits for nobody: two refusals of one voucher at once may leave one too many until the next.
_TRIM = """
    DELETE FROM rewards.refusal WHERE id IN
        (SELECT id FROM rewards.refusal WHERE id IN
            (SELECT id FROM rewards.refusal WHERE voucher_id = %s ORDER BY id DESC OFFSET %s)
          FOR UPDATE SKIP LOCKED)
"""

_INSERT = """
    INSERT INTO rewards.refusal (id, voucher_id, campaign_id, customer_id, merchant_id, store_id, terminal_id, code,
           total_minor, currency, reason, refused_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s)
"""

_FORGET = """
    DELETE FROM rewards.refusal WHERE id IN (SELECT id FROM rewards.refusal WHERE id < %s ORDER BY id LIMIT %s)
"""
