"""What a tier may do, as staff set it."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core import audit
from core.errors import NotFound
from wallet import accounts, limits
from wallet.assets import wallet_currencies
from wallet.errors import CurrencyUnknown
from wallet.limits.models import SCOPES, TIERS, LimitRule


def change(
    session: Session,
    tier: str,
    scope: str,
    currency: str,
    *,
    measures: dict[str, int | None],
    actor: str,
    now: datetime,
) -> LimitRule:
    """Set all measures of one rule; None for no limit. What customers have used of a period stays used, and
    `step_up_above` stays as it was where it is not among them.

    raises   NotFound for an unknown tier or scope, CurrencyUnknown
    effects  audited
    """
    if tier not in TIERS or scope not in SCOPES:
        raise NotFound
    if currency not in wallet_currencies():
        raise CurrencyUnknown

    accounts.open_all(session, [accounts.of_provider(currency)])  # the asset must be known
    rule = session.get(LimitRule, (tier, scope, currency), with_for_update=True)
    before = _measures(rule) if rule else None
    measures = {"step_up_above": before["step_up_above"] if before else None, **measures}
    if before == measures:
        assert rule is not None
        return rule

    limits.set_rule(session, tier=tier, scope=scope, asset=currency, measures=measures, now=now)
    entry: dict[str, Any] = {"before": before, "after": measures}
    audit.record(
        session, actor=actor, action="limit.set", target=f"limit:{tier}:{scope}:{currency}", change=entry, now=now
    )
    return session.get_one(LimitRule, (tier, scope, currency), populate_existing=True)


def _measures(rule: LimitRule) -> dict[str, int | None]:
    return {measure: getattr(rule, measure) for measure in limits.SETTABLE}
