"""The whole house on one page: who comes in by which door, who reads the log, what is due, what runs when."""

import click

import app.api.changes
import app.api.home
import auth.abuse.api.staff
import auth.api.customer
import auth.api.guards
import auth.api.staff
import auth.authorizing.api.authorize
import auth.authorizing.api.customer
import auth.authorizing.api.logout
import auth.authorizing.api.pages
import auth.authorizing.back_channel
import auth.authorizing.work
import auth.device_grants.api.page
import auth.device_grants.api.protocol
import auth.device_grants.api.staff
import auth.federated.api.customer
import auth.federated.api.public
import auth.federated.work
import auth.keys.api.staff
import auth.keys.cli
import auth.keys.work
import auth.native.api.challenge
import auth.native.api.customer
import auth.native.api.links
import auth.native.api.staff
import auth.native.work
import auth.oauth.api.clients
import auth.oauth.api.introspection
import auth.oauth.api.metadata
import auth.oauth.api.token
import auth.oauth.api.userinfo
import auth.oauth.cli
import auth.passkeys.api.customer
import auth.passkeys.api.staff
import auth.places.api.staff
import auth.places.api.statuses
import auth.places.api.tills
import auth.places.cli
import auth.privacy.api.customer
import auth.privacy.api.public
import auth.privacy.api.staff
import auth.privacy.cli
import auth.privacy.held
import auth.privacy.work
import auth.reactions
import auth.sessions.api.customer
import auth.staff.api.pages
import auth.staff.api.staff
import auth.staff.cli
import auth.staff.work
import auth.step_up.api.customer
import auth.tokens.cli
import auth.work
import connect.api.entries
import connect.api.guard
import connect.api.ingest
import connect.api.staff
import connect.api.write_keys
import connect.privacy
import connect.reactions
import core.audit.api.staff
import core.audit.cli
import core.audit.work
import core.delivery.api.public
import core.delivery.api.staff
import core.delivery.cli
import core.delivery.privacy
import core.delivery.work
import core.web.rates
import engage.backtests.api.staff
import engage.backtests.forgetting
import engage.backtests.work
import engage.broadcasts.api.staff
import engage.broadcasts.uses
import engage.broadcasts.work
import engage.consents.api.customer
import engage.consents.api.public
import engage.consents.api.staff
import engage.consents.reactions
import engage.contacting.api.staff
import engage.contacting.gate
import engage.contacting.work
import engage.decisions.api.customer
import engage.decisions.api.staff
import engage.inbox.api.customer
import engage.incoming.api.public
import engage.incoming.work
import engage.journeys.api.staff
import engage.journeys.doors.api.customer
import engage.journeys.doors.api.public
import engage.journeys.doors.api.staff
import engage.journeys.doors.reactions
import engage.journeys.uses
import engage.journeys.webhooks.api.staff
import engage.journeys.webhooks.work
import engage.journeys.work
import engage.links.api.public
import engage.links.work
import engage.privacy
import engage.results.api.staff
import engage.results.reactions
import engage.results.work
import engage.templates.api.staff
import engage.walks.reactions
import engage.walks.work
import insights.api.staff
import insights.identities.api.staff
import insights.privacy
import insights.profiles.api.staff
import insights.profiles.rebuilding
import insights.reactions
import insights.segments.api.staff
import insights.segments.catalogue
import insights.segments.membership
import insights.segments.work
import insights.streams.dropping
import rewards.answers
import rewards.api.customer
import rewards.api.merchant
import rewards.api.staff
import rewards.campaigns.api.staff
import rewards.cli
import rewards.gift_cards
import rewards.gift_cards.api.customer
import rewards.gift_cards.api.merchant
import rewards.gift_cards.api.staff
import rewards.gift_cards.reactions
import rewards.gift_cards.work
import rewards.gifts.api.customer
import rewards.gifts.api.public
import rewards.gifts.reactions
import rewards.gifts.work
import rewards.offers.api.customer
import rewards.offers.api.merchant
import rewards.offers.api.staff
import rewards.offline.api.customer
import rewards.offline.api.merchant
import rewards.offline.api.staff
import rewards.privacy
import rewards.reactions
import rewards.redemption.api.merchant
import rewards.redemption.keys
import rewards.redemption.work
import rewards.refusals.api.customer
import rewards.refusals.api.staff
import rewards.refusals.work
import rewards.reservations.api.merchant
import rewards.reservations.work
import rewards.rollbacks.api.merchant
import rewards.rollbacks.api.staff
import rewards.rules.api.staff
import rewards.simulation.api.staff
import rewards.simulation.work
import rewards.tills.api.merchant
import rewards.tills.api.sandbox
import rewards.tills.api.staff
import rewards.tills.cli
import rewards.vouchers.api.customer
import rewards.vouchers.api.staff
import rewards.vouchers.work
import wallet.api.customer
import wallet.api.lots
import wallet.api.merchant
import wallet.cli
import wallet.documents.api.customer
import wallet.documents.api.merchant
import wallet.documents.api.staff
import wallet.finance.api.adjustments
import wallet.finance.api.batches
import wallet.finance.api.customer_payouts
import wallet.finance.api.diverted_refunds
import wallet.finance.api.finance
import wallet.finance.api.merchant
import wallet.finance.api.settlements
import wallet.finance.safeguarding
import wallet.identity.api.customer
import wallet.identity.api.limits_customer
import wallet.identity.api.limits_staff
import wallet.identity.api.public
import wallet.identity.api.staff
import wallet.identity.api.status_customer
import wallet.identity.api.status_staff
import wallet.identity.cli
import wallet.identity.work
import wallet.keys
import wallet.paying.api.customer
import wallet.paying.api.holds
import wallet.paying.api.merchant
import wallet.peers.api.customer
import wallet.peers.api.public
import wallet.peers.api.requests
import wallet.peers.reactions
import wallet.peers.work
import wallet.privacy
import wallet.reactions
import wallet.topups.api.customer
import wallet.topups.api.public
import wallet.topups.api.staff
import wallet.topups.cli
import wallet.topups.reactions
import wallet.work
from auth.sessions.ending import Ending
from core.delivery import rates
from core.events import Reader
from core.gateways.registry import Gateways
from core.holdings import Holder
from core.idempotency import Home
from core.partitions import ensure_ahead
from core.settings import Settings
from core.web.doors import Door
from core.work import Schedule, Work
from wallet.answers import Answers
from wallet.assets import exponent_of


def doors() -> list[Door]:
    """Each audience's prefix, guard, OpenAPI document and routes."""
    sign_in = [
        auth.native.api.challenge.blueprint,
        auth.oauth.api.token.blueprint,
        auth.oauth.api.metadata.blueprint,
        auth.oauth.api.userinfo.blueprint,
        auth.oauth.api.introspection.blueprint,
        auth.authorizing.api.authorize.blueprint,
        auth.authorizing.api.logout.blueprint,
        auth.device_grants.api.protocol.blueprint,
    ]
    return [
        Door(
            name="customer",
            document="app",
            title="For the apps",
            prefix="/app/v1",
            guard=auth.api.guards.customer,
            blueprints=[
                app.api.home.blueprint,
                app.api.changes.blueprint,
                auth.api.customer.blueprint,
                auth.native.api.customer.blueprint,
                auth.federated.api.customer.blueprint,
                auth.passkeys.api.customer.blueprint,
                auth.step_up.api.customer.blueprint,
                auth.sessions.api.customer.blueprint,
                auth.authorizing.api.customer.blueprint,
                auth.privacy.api.customer.blueprint,
                wallet.api.customer.blueprint,
                wallet.api.lots.blueprint,
                wallet.documents.api.customer.blueprint,
                wallet.topups.api.customer.blueprint,
                wallet.paying.api.customer.blueprint,
                wallet.peers.api.customer.blueprint,
                wallet.peers.api.requests.blueprint,
                wallet.identity.api.customer.blueprint,
                wallet.identity.api.limits_customer.blueprint,
                wallet.identity.api.status_customer.blueprint,
                rewards.api.customer.blueprint,
                rewards.offers.api.customer.blueprint,
                rewards.offline.api.customer.blueprint,
                rewards.refusals.api.customer.blueprint,
                rewards.gift_cards.api.customer.blueprint,
                rewards.gifts.api.customer.blueprint,
                rewards.vouchers.api.customer.blueprint,
                engage.consents.api.customer.blueprint,
                engage.inbox.api.customer.blueprint,
                engage.journeys.doors.api.customer.blueprint,
                engage.decisions.api.customer.blueprint,
            ],
            also_documents=sign_in,
        ),
        Door(
            name="staff",
            document="admin",
            title="For marketing and finance staff",
            prefix="/admin/v1",
            guard=auth.api.guards.staff,
            needs_permissions=True,
            blueprints=[
                auth.api.staff.blueprint,
                auth.staff.api.staff.blueprint,
                core.audit.api.staff.blueprint,
                auth.places.api.staff.blueprint,
                auth.places.api.tills.blueprint,
                auth.places.api.statuses.blueprint,
                auth.device_grants.api.staff.blueprint,
                auth.oauth.api.clients.blueprint,
                auth.keys.api.staff.blueprint,
                auth.abuse.api.staff.blueprint,
                auth.native.api.staff.blueprint,
                auth.passkeys.api.staff.blueprint,
                auth.privacy.api.staff.blueprint,
                rewards.api.staff.blueprint,
                rewards.offers.api.staff.blueprint,
                rewards.offline.api.staff.blueprint,
                rewards.campaigns.api.staff.blueprint,
                rewards.gift_cards.api.staff.blueprint,
                rewards.refusals.api.staff.blueprint,
                rewards.rollbacks.api.staff.blueprint,
                rewards.vouchers.api.staff.blueprint,
                rewards.rules.api.staff.blueprint,
                rewards.tills.api.staff.blueprint,
                rewards.simulation.api.staff.blueprint,
                engage.journeys.api.staff.blueprint,
                engage.backtests.api.staff.blueprint,
                engage.broadcasts.api.staff.blueprint,
                engage.journeys.doors.api.staff.blueprint,
                engage.journeys.webhooks.api.staff.blueprint,
                engage.templates.api.staff.blueprint,
                engage.consents.api.staff.blueprint,
                engage.contacting.api.staff.blueprint,
                engage.decisions.api.staff.blueprint,
                engage.results.api.staff.blueprint,
                insights.api.staff.blueprint,
                insights.segments.api.staff.blueprint,
                insights.identities.api.staff.blueprint,
                insights.profiles.api.staff.blueprint,
                connect.api.staff.blueprint,
                connect.api.write_keys.blueprint,
                core.delivery.api.staff.blueprint,
                wallet.finance.api.finance.blueprint,
                wallet.finance.api.settlements.blueprint,
                wallet.finance.api.customer_payouts.blueprint,
                wallet.documents.api.staff.blueprint,
                wallet.topups.api.staff.blueprint,
                wallet.finance.api.adjustments.blueprint,
                wallet.finance.api.batches.blueprint,
                wallet.finance.api.diverted_refunds.blueprint,
                wallet.identity.api.staff.blueprint,
                wallet.identity.api.limits_staff.blueprint,
                wallet.identity.api.status_staff.blueprint,
            ],
        ),
        Door(
            name="merchant",
            document="merchant",
            title="For tills and merchants",
            prefix="/merchant/v1",
            guard=auth.api.guards.merchant,
            blueprints=[
                wallet.api.merchant.blueprint,
                wallet.documents.api.merchant.blueprint,
                wallet.paying.api.merchant.blueprint,
                wallet.paying.api.holds.blueprint,
                wallet.finance.api.merchant.blueprint,
                rewards.api.merchant.blueprint,
                rewards.offers.api.merchant.blueprint,
                rewards.offline.api.merchant.blueprint,
                rewards.redemption.api.merchant.blueprint,
                rewards.reservations.api.merchant.blueprint,
                rewards.gift_cards.api.merchant.blueprint,
                rewards.rollbacks.api.merchant.blueprint,
                rewards.tills.api.merchant.blueprint,
                rewards.tills.api.sandbox.blueprint,
            ],
        ),
        Door(
            name="ingest",
            document="ingest",
            title="For clients and servers that report events",
            prefix="/v1",
            guard=connect.api.guard.source,
            reads_raw_bodies=True,
            scheme=connect.api.guard.SCHEME,
            blueprints=[connect.api.ingest.blueprint, connect.api.entries.blueprint],
        ),
        Door(name="sign-in", document="sign-in", title="Sign-in", prefix="", guard=None, blueprints=sign_in),
        Door(
            name="public",
            document="public",
            title="Call-backs and claim links",
            prefix="",
            guard=None,
            blueprints=[
                auth.authorizing.api.pages.blueprint,
                auth.device_grants.api.page.blueprint,
                auth.staff.api.pages.blueprint,
                auth.native.api.links.blueprint,
                auth.federated.api.public.blueprint,
                auth.privacy.api.public.blueprint,
                core.delivery.api.public.blueprint,
                engage.links.api.public.blueprint,
                engage.journeys.doors.api.public.blueprint,
                engage.consents.api.public.blueprint,
                engage.incoming.api.public.blueprint,
                wallet.identity.api.public.blueprint,
                wallet.topups.api.public.blueprint,
                wallet.peers.api.public.blueprint,
                rewards.gifts.api.public.blueprint,
            ],
        ),
    ]


def answers(settings: Settings) -> Answers:
    """What the wallet must know of the rooms above it."""
    points, unit = settings.points_per_unit, 10 ** exponent_of(settings.brand_currency)
    return Answers(gift_cards_of=rewards.gift_cards.of_customer, points_rate=(points, unit) if points else None)


#: What rewards must know of the rooms above them: a rule may ask for a customer's segments.
REWARDS_ANSWERS = rewards.answers.Answers(segments_of=insights.segments.membership.of)

#: Who goes by a segment, so that it is not archived from under them.
SEGMENT_USERS = (engage.journeys.uses.of_segment, engage.broadcasts.uses.of_segment)

#: Who asks for what is counted of customers' events, beside what is counted by its name alone.
STREAM_USERS = (insights.segments.catalogue.asked_streams, engage.journeys.uses.asked_streams)

#: What is held on customers, in the order in which they are erased: what leans on another room first.
PRIVACY: list[Holder] = [
    connect.privacy.HOLDER,
    engage.privacy.HOLDER,
    insights.privacy.HOLDER,
    rewards.privacy.HOLDER,
    wallet.privacy.HOLDER,
    core.delivery.privacy.HOLDER,
    auth.privacy.held.HOLDER,
]

#: Who is told of a session that ends, in its transaction.
SESSION_ENDINGS: list[Ending] = [auth.authorizing.back_channel.announce]

#: Where keys of requests stand beside the kept answers: a key names one request, whichever route it was sent to.
KEYS: list[Home] = [wallet.keys.HOME, rewards.redemption.keys.HOME]

#: Who follows the log, in the order in which a draining worker asks them.
READERS: list[Reader] = [
    *auth.reactions.READERS,
    *wallet.reactions.READERS,
    *wallet.topups.reactions.READERS,
    *wallet.peers.reactions.READERS,
    *rewards.reactions.READERS,
    *rewards.gift_cards.reactions.READERS,
    *rewards.gifts.reactions.READERS,
    *insights.reactions.READERS,
    *connect.reactions.READERS,
    *engage.consents.reactions.READERS,
    *engage.journeys.doors.reactions.READERS,
    *engage.walks.reactions.READERS,
    *engage.results.reactions.READERS,
]


def work(settings: Settings, gateways: Gateways) -> list[Work]:
    """What workers claim, and what becomes of a row whose worker died."""
    return [
        *auth.work.WORK,
        *auth.keys.work.WORK,
        *auth.federated.work.WORK,
        *auth.authorizing.work.work(settings),
        *auth.staff.work.WORK,
        *auth.privacy.work.WORK,
        *core.audit.work.WORK,
        *wallet.work.work(gateways.payments),
        *wallet.identity.work.work(gateways.identity),
        *wallet.peers.work.WORK,
        *rewards.gift_cards.work.WORK,
        *rewards.gifts.work.work(settings),
        *rewards.vouchers.work.WORK,
        *rewards.reservations.work.WORK,
        *rewards.simulation.work.WORK,
        *insights.segments.work.WORK,
        *insights.profiles.rebuilding.WORK,
        *engage.walks.work.WORK,
        *engage.backtests.work.WORK,
        *engage.broadcasts.work.WORK,
        *engage.journeys.work.WORK,
        *engage.journeys.webhooks.work.work(settings),
        *engage.results.work.WORK,
        *core.delivery.work.lines(
            gateways, engage.contacting.gate.verdicts, rates=rates.parse(settings.delivery_rates)
        ),
    ]


SCHEDULE: list[Schedule] = [
    Schedule("partitions", "17 3 * * *", ensure_ahead),
    Schedule("rates", "11 * * * *", core.web.rates.forget),
    # Every hour, since a day ends at another one in each time zone: what is reconciled already is not done again.
    Schedule("safeguarding", "37 * * * *", wallet.finance.safeguarding.reconcile_due),
    *insights.streams.dropping.SCHEDULE,
    *insights.segments.work.SCHEDULE,
    *rewards.redemption.work.SCHEDULE,
    *rewards.refusals.work.SCHEDULE,
    *engage.links.work.SCHEDULE,
    *auth.work.SCHEDULE,
    *auth.native.work.SCHEDULE,
    *auth.keys.work.SCHEDULE,
    *auth.federated.work.SCHEDULE,
    *auth.authorizing.work.SCHEDULE,
    *auth.staff.work.SCHEDULE,
    *auth.privacy.work.SCHEDULE,
    *core.audit.work.SCHEDULE,
    *engage.contacting.work.SCHEDULE,
    *engage.results.work.SCHEDULE,
    *engage.incoming.work.SCHEDULE,
    *engage.walks.work.SCHEDULE,
    *engage.backtests.forgetting.SCHEDULE,
    *engage.journeys.work.SCHEDULE,
]

COMMANDS: list[click.Command] = [
    auth.privacy.cli.erasures,
    auth.staff.cli.staff,
    auth.places.cli.merchant,
    auth.places.cli.store,
    auth.places.cli.terminal,
    auth.tokens.cli.token,
    auth.keys.cli.keys,
    auth.oauth.cli.client,
    core.audit.cli.audit,
    core.delivery.cli.sandbox,
    wallet.cli.wallet,
    rewards.cli.rewards,
    rewards.tills.cli.sandbox_merchant,
    wallet.topups.cli.topups,
    wallet.identity.cli.identity,
]
