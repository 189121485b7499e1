"""How broadcasts say no."""

from core.errors import InvalidInput, Kind, Refusal


class BroadcastInvalid(InvalidInput):
    """`errors` names each fault by a JSON pointer, in words for the person who wrote it."""

    code = "broadcast_invalid"
    title = "The broadcast cannot be sent as it is"


class BroadcastStarted(Refusal):
    code = "broadcast_started"
    kind = Kind.CONFLICT
    title = "The broadcast was started already"


class BroadcastWithoutCampaign(Refusal):
    """Facts: why its campaign gives no vouchers, `campaign_status` or its window."""

    code = "broadcast_without_campaign"
    kind = Kind.CONFLICT
    title = "The broadcast's campaign is not running; start that first"


class BroadcastOver(Refusal):
    code = "broadcast_over"
    kind = Kind.CONFLICT
    title = "The broadcast is over; what it sent cannot be taken back"


class BroadcastAudienceGrew(Refusal):
    """Facts: `expected`, whom the person was shown, and `members`, who there are now."""

    code = "broadcast_audience_grew"
    kind = Kind.CONFLICT
    title = "The segment has grown by more than a fifth since it was looked at; look again"


class SegmentNotReady(Refusal):
    code = "segment_not_ready"
    kind = Kind.CONFLICT
    title = "The segment is still being built, so nobody knows yet who is in it"
    retryable = True
