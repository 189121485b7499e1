"""Currencies: a journey's spend counts one, and amounts of two are no sum."""

from sqlalchemy.orm import Session

from core.db import connection_of
from core.money import Money
from engage.journeys import spending
from engage.journeys.graph import Graph
from engage.journeys.spending import Spend
from engage.steps import Credit, IssueVoucher


def uncounted(session: Session, drawn: Graph, spend: Spend) -> dict[str, str]:
    """By step, the currency of what it gives, where the spend cannot count it."""
    campaigns = {name: step.campaign_id for name, step in drawn.steps.items() if isinstance(step, IssueVoucher)}
    worth = spending.worth_of(connection_of(session), campaigns.values())
    given = {name: worth[of] for name, of in campaigns.items() if of in worth}
    given |= {
        name: Money(step.amount_minor, step.currency) for name, step in drawn.steps.items() if isinstance(step, Credit)
    }
    return {name: one.currency for name, one in given.items() if one.amount_minor and one.currency != spend.currency}
