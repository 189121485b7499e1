"""The world that a journey is played in: its campaigns, and some hundreds of customers at a time, as they are today."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from auth import customers as people
from core.db import connection_of, transaction
from core.money import Money
from engage import outgoing
from engage.contacting import policy
from engage.contacting.caps import Caps
from engage.contacting.policy import Policy
from engage.journeys import spending
from engage.journeys.graph import Graph
from engage.outgoing import World
from engage.steps import IssueVoucher, SendMessage
from engage.templates import saved
from engage.walks import zones
from engage.walks.letters import Writing
from insights.segments import loading
from insights.segments.facts import Facts, Need
from rewards import audiences, terms
from rewards.terms import Terms


@dataclass(frozen=True, slots=True)
class House:
    """What is the same for every customer.

    worth   by campaign, what one of its vouchers counts for
    shares  by campaign, which part (basis points) of the vouchers that it gave was redeemed; None: too few to tell
    """

    policy: Policy
    campaigns: Mapping[UUID, Terms]
    worth: Mapping[UUID, Money]
    shares: Mapping[UUID, int | None]
    names: Mapping[UUID, str]


@dataclass(frozen=True, slots=True)
class People:
    """Some customers as they are today. invited: (audience, customer) of their campaigns' audiences"""

    writing: Writing
    barred: frozenset[UUID] = frozenset()
    zones: Mapping[UUID, str | None] = field(default_factory=dict)
    facts: Mapping[UUID, Facts] = field(default_factory=dict)
    invited: Collection[tuple[UUID, UUID]] = frozenset()


#: Of fewer vouchers no share can be told.
_FEWEST = 50


def house(graph: Graph) -> House:
    """Read once a backtest."""
    wanted = sorted({step.campaign_id for step in graph.steps.values() if isinstance(step, IssueVoucher)})
    with transaction() as session:
        connection = connection_of(session)
        shares: dict[UUID, int | None] = dict.fromkeys(wanted)
        for campaign_id, given, redeemed in connection.execute(_REDEEMED, [wanted]):
            shares[campaign_id] = redeemed * 10_000 // given if given >= _FEWEST else None
        return House(
            policy=policy.current(session),
            campaigns=terms.load(connection, wanted),
            worth=spending.worth_of(connection, wanted),
            shares=shares,
            names=dict(connection.execute("SELECT id, name FROM rewards.campaign WHERE id = ANY(%s)", [wanted])),
        )


def people_of(
    graph: Graph, home: House, customer_ids: Collection[UUID], needs: Collection[Need], *, now: datetime
) -> People:
    """Read once for some hundreds of customers, in a short transaction that writes nothing."""
    with transaction() as session:
        wanted = [(of.audience_id, one) for of in home.campaigns.values() if of.audience_id for one in customer_ids]
        connection = connection_of(session)
        return People(
            writing=_writing(session, graph, customer_ids, now=now),
            barred=frozenset(people.barred(session, customer_ids)),
            zones=people.time_zones(session, customer_ids) if zones.goes_by_the_clock(graph) else {},
            facts=loading.load(connection, needs, customer_ids, now) if needs else {},
            invited=audiences.members(connection, wanted),
        )


def _writing(session: Session, graph: Graph, customer_ids: Iterable[UUID], *, now: datetime) -> Writing:
    steps = [step for step in graph.steps.values() if isinstance(step, SendMessage)]
    if not steps:
        return Writing()
    said = saved.live(session, {step.template_id for step in steps if step.template_id})
    wordings = [*said.values(), *(step.wording for step in steps if step.wording)]
    world = outgoing.prepare(session, customer_ids, now=now, wordings=wordings)
    return Writing(at(world, now), said)


def at(world: World, now: datetime) -> World:
    """The same world at another time, with nothing counted under its caps yet where it is fresh."""
    return replace(world, now=now, caps=Caps(world.policy, now, world.caps.zones, taken=world.caps.taken))


_REDEEMED = """
    SELECT v.campaign_id, count(*), count(*) FILTER (WHERE EXISTS (
             SELECT FROM rewards.redemption r WHERE r.voucher_id = v.id))
      FROM (SELECT c.id AS campaign_id, given.id
              FROM unnest(%s::uuid[]) AS c (id)
             CROSS JOIN LATERAL (SELECT v.id FROM rewards.voucher v
                                  WHERE v.campaign_id = c.id AND v.batch_id IS NULL AND v.customer_id IS NOT NULL
                                  LIMIT 10000) given) v
     GROUP BY v.campaign_id
"""
