"""How campaigns say no."""

from core.errors import InvalidInput, Kind, Refusal


class CampaignClosedNow(Refusal):
    code = "campaign_closed_now"
    title = "The voucher cannot be used at this hour"


class HeldOut(Refusal):
    """The customer is among those who go without the campaign so that its effect can be told."""

    code = "held_out"
    title = "The customer is held out of this campaign"


class CampaignApprovalNeeded(Refusal):
    code = "campaign_approval_needed"
    kind = Kind.CONFLICT
    title = "A second person must approve the campaign first"


class CampaignTermsFixed(Refusal):
    code = "campaign_terms_fixed"
    kind = Kind.CONFLICT
    title = "These terms of the campaign cannot be changed any more"


class FundersInvalid(InvalidInput):
    code = "funders_invalid"
    title = "The campaign's funders do not come to a whole"


class ScheduleInvalid(InvalidInput):
    code = "schedule_invalid"
    title = "The campaign's schedule cannot be used as it is"


class LimitsInvalid(InvalidInput):
    code = "limits_invalid"
    title = "The campaign's limits cannot be used as they are"
