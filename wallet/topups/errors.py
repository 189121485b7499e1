"""What top-ups refuse, and why."""

from core.errors import Kind, Refusal
from wallet.errors import PostingRefused


class ProviderUnavailable(Refusal):
    """`reason` in its facts is the provider's or the network's word."""

    code = "payment_provider_unavailable"
    kind = Kind.UNAVAILABLE
    title = "The payment provider does not answer just now; the same request may be sent again"
    retry_after_seconds = 5


class NoticeForged(Refusal):
    code = "notice_forged"
    kind = Kind.MALFORMED
    title = "The signature does not fit the notice, or is too old"


class ProviderReferenceReused(PostingRefused):
    code = "provider_reference_reused"
    title = "The provider's charge belongs to another top-up"
    constraint = "uq_topup_provider_reference"


class TopupRefundExceeded(Refusal):
    """`refundable_minor` in its facts is what is left."""

    code = "topup_refund_exceeded"
    title = "More would go back than was brought in"
    constraint = "ck_topup_refund_cap"


class TopupNotCharged(Refusal):
    code = "topup_not_charged"
    kind = Kind.CONFLICT
    title = "Only a top-up that was charged can be given back"


class TopupNotInDoubt(Refusal):
    code = "topup_not_in_doubt"
    kind = Kind.CONFLICT
    title = "This top-up is not in doubt"


class TopupRefundNotInDoubt(Refusal):
    code = "topup_refund_not_in_doubt"
    kind = Kind.CONFLICT
    title = "This refund of a top-up is not in doubt"


class PaymentMethodUnknown(Refusal):
    code = "payment_method_unknown"
    kind = Kind.NOT_FOUND
    title = "There is no such saved payment method"


class TopupUnderWay(Refusal):
    """`topup_id` in its facts is one that may still be charged."""

    code = "topup_under_way"
    kind = Kind.CONFLICT
    title = "A top-up is not decided yet; its money would come to a closed wallet"
