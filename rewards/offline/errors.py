"""Every way in which an offline token, or what a till made of one, is refused.

`TillFault`s are what the till could have seen by itself: those the merchant bears.
"""

from core.errors import Kind, Refusal


class OfflineKeyMissing(Refusal):
    code = "offline_key_missing"
    title = "Register this phone's key first"


class OfflineKeyUnproved(Refusal):
    code = "offline_key_unproved"
    kind = Kind.INVALID
    title = "The proof is not by this key for this customer, or not of the last five minutes"


class OfflineKeyInvalid(Refusal):
    code = "offline_key_invalid"
    kind = Kind.INVALID
    title = "A phone's public key is PEM (SubjectPublicKeyInfo), ECDSA P-256 or Ed25519"


class OfflineRefused(Refusal):
    """`reasons`: each with what of the voucher it is about, and a sentence."""

    code = "offline_refused"
    title = "A till cannot decide about this voucher offline"


class OfflineTokenElsewhere(Refusal):
    """One token of a voucher lives at a time, and this one is another phone's."""

    code = "offline_token_elsewhere"
    kind = Kind.CONFLICT
    title = "Another phone holds this voucher's token until it expires"


class OfflineBarred(Refusal):
    code = "offline_barred"
    title = "No offline tokens for now: an earlier one was spent twice"


class TerminalSuspended(Refusal):
    code = "terminal_suspended"
    kind = Kind.FORBIDDEN
    title = "This terminal is suspended: keep the records and sync them when it is not"


class OfflineReferenceReused(Refusal):
    code = "offline_reference_reused"
    kind = Kind.CONFLICT
    title = "The till has synced another record under this reference, or uses it for something else"


class TillFault(Refusal):
    code = "offline_till_fault"
    title = "The till should not have taken this token"


class OfflineTokenForged(TillFault):
    code = "offline_token_forged"
    title = "This is no token that the brand has signed"


class OfflineProofInvalid(TillFault):
    code = "offline_proof_invalid"
    title = "The proof is not the phone's that the token names"


class OfflineProofStale(TillFault):
    """A screenshot, or a clock that is wrong."""

    code = "offline_proof_stale"
    title = "The proof is of another time than the till took it at"


class OfflineClockWrong(TillFault):
    code = "offline_clock_wrong"
    title = "The till says that it took the token in the future, or before it was given"


class OfflineTokenExpired(TillFault):
    code = "offline_token_expired"
    title = "The token had expired when the till took it"


class OfflineSyncedLate(TillFault):
    code = "offline_synced_late"
    title = "The record was synced too late"


class OfflineTermsNotMet(TillFault):
    code = "offline_terms_not_met"
    title = "The token does not hold for this store, time, currency or basket"


class OfflineAmountWrong(TillFault):
    code = "offline_amount_wrong"
    title = "The amount is not what the token gives for this basket"


class OfflineTakenTwice(TillFault):
    code = "offline_taken_twice"
    title = "This terminal had taken the same token before"


class OfflineAllowanceExceeded(TillFault):
    """`cause` tells what was wrong with the voucher."""

    code = "offline_allowance_exceeded"
    title = "The voucher does not hold, and the terminal's allowance for the day is used up"


class OfflineSpentElsewhere(Refusal):
    """The till could not know."""

    code = "offline_spent_elsewhere"
    title = "Another terminal took the same token"


class OfflineValueMissing(Refusal):
    code = "offline_value_missing"
    title = "The gift card held less by then than the token said"


class OfflineTermsChanged(Refusal):
    code = "offline_terms_changed"
    title = "The campaign gives another amount now than the token said"


class OfflineTokenUnknown(Refusal):
    """By one of the brand's keys, so no till could know."""

    code = "offline_token_unknown"
    title = "The brand's key has signed this token, and the brand has not given it"


class OfflineGivenAway(Refusal):
    code = "offline_given_away"
    title = "The voucher was another customer's by then"


class OfflineBlocked(Refusal):
    code = "offline_blocked"
    title = "The voucher was blocked meanwhile"
