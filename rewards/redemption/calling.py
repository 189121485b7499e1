"""The call of `rewards.redeem` (migration 0032): one use of a voucher as the parameters that it takes."""

import json
from collections.abc import Sequence
from typing import Any

from core import ids
from core.prepared import PreparedCall
from rewards.redemption.deciding import Use
from rewards.redemption.evidence import Held
from rewards.redemption.recording import Redemption
from wallet.accounts import Opening
from wallet.arrays import array_literal


def call_of(use: Use, made: Redemption, payable: Opening, unseen: Sequence[Any]) -> tuple[PreparedCall, list[Any]]:
    """The call that makes a redemption, and what it is called with.

    unseen  what it asks for itself about a code that was remembered, not looked up; nothing otherwise
    """
    held, till, counted = use.voucher, made.till, use.counted
    parameters = [
        made.id, made.voucher_id, made.campaign_id, None if held.terms.is_gift_card else held.terms.revision,
        made.customer_id, till.merchant_id, till.store_id, till.terminal_id, made.till_reference, made.fingerprint,
        made.request_key, made.amount_minor, made.currency, _encode(made.lines), made.redeemed_at,
        held.is_locked, held.uses_cap, use.is_spent and held.terms.is_gift_card, _encode(made.counted),
        array_literal([each.counted[1] for each in counted]), array_literal([each.counted[2] for each in counted]),
        array_literal([each.counted[3] for each in counted]), array_literal([each.add for each in counted]),
        array_literal([each.cap for each in counted]),
        made.transfer_id, *_legs(held, made, payable), ids.new(), held.customer_id, *unseen,
    ]  # fmt: skip
    return (REDEEM_UNSEEN if unseen else REDEEM), parameters


def _legs(held: Held, made: Redemption, payable: Opening) -> list[Any]:
    """The two accounts in the order in which every transaction locks balances: hot last, by id."""
    if made.transfer_id is None:
        return [None, None, None, None, None]
    shard = (made.transfer_id.int & 0xFF) % payable.shards
    source, amount = held.account, made.amount_minor
    if not held.terms.is_gift_card and payable.id < source:
        return [payable.id, shard, amount, source, 0]
    return [source, 0, -amount, payable.id, shard]


#: Made once: `json.dumps` makes an encoder for each call that is no plain one.
_encode = json.JSONEncoder(separators=(",", ":")).encode

_LOOKED_UP = """
    SELECT rewards.redeem(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s::jsonb,
        %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s, %s, %s::smallint, %s::bigint, %s,
        %s::smallint, %s, %s"""

REDEEM = PreparedCall("rewards_redeem", f"{_LOOKED_UP})")
REDEEM_UNSEEN = PreparedCall(
    "rewards_redeem_unseen", f"{_LOOKED_UP}, %s::bigint, %s::bytea[], %s::timestamptz[], %s::int[])"
)
