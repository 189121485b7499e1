"""Opening the house: database, keys and schema, before any door or worker opens."""

from app import database, wiring
from auth import notices, tokens
from auth.dpop import binding
from auth.federated import providers
from auth.keys import ring, rotating
from auth.keys import work as key_work
from auth.passkeys import origins
from auth.privacy import answers as privacy_answers
from auth.privacy import restoring, tombstones
from auth.sessions import ending
from core import clock, crypto, db, idempotency, log
from core.errors import ConfigurationError
from core.events import epoch, readers
from core.partitions import ensure_ahead
from core.postgres.embedded import EmbeddedPostgresFailed
from core.settings import Settings
from core.web import rates
from engage import links
from engage.consents import signing
from engage.templates import brand
from insights.segments import uses
from insights.streams import asking
from rewards import answers as rewards_answers
from rewards.campaigns import approvals as campaign_approvals
from rewards.campaigns import catalogue
from wallet import answers, assets, limits
from wallet.finance import batch_approvals
from wallet.paying import codes


def open_house(settings: Settings) -> None:
    """Connect, load the keys and, outside production, bring the schema to the newest migration.

    raises  ConfigurationError, in one line that says what to do
    """
    log.configure(settings)
    try:
        db.open_database(settings)
    except EmbeddedPostgresFailed as error:
        raise ConfigurationError(str(error)) from error
    crypto.load_keys(settings)
    tokens.load_key(settings)
    notices.load(settings)
    binding.load(settings)
    providers.load(settings)
    key_work.load(settings)
    rates.load(settings)
    origins.load(settings)
    assets.load(settings)
    batch_approvals.load(settings)
    campaign_approvals.load(settings)
    catalogue.forget()  # what was known of another database
    codes.load(settings)
    answers.register(wiring.answers(settings))
    rewards_answers.register(wiring.REWARDS_ANSWERS)
    uses.register(wiring.SEGMENT_USERS)
    asking.register(wiring.STREAM_USERS)
    ending.register(wiring.SESSION_ENDINGS)
    privacy_answers.register(wiring.PRIVACY)
    tombstones.load(settings)
    idempotency.register(wiring.KEYS)
    links.load(settings)
    signing.load(settings)
    brand.load(settings)
    if not settings.is_production:
        database.migrate()
    # In production a schema that is behind is migrated by command, which opens the house first; until then not ready.
    ring.follow_later(rotating.read)
    if database.is_current():
        make_ready()


def make_ready() -> None:
    """What stands between a migrated schema and the first request: epoch, offsets, partitions, new currencies' limits.

    raises  ConfigurationError when the schema is behind (production migrates by `flask migrate` only)
    """
    if not database.is_current():
        raise ConfigurationError("The database's schema is behind: run `flask --app wsgi migrate` first")
    epoch.ensure()
    rotating.open_ring(clock.now())
    restoring.erase_again(clock.now())
    readers.register(wiring.READERS)
    ensure_ahead()
    with db.transaction() as session:
        limits.ensure_defaults(session, now=clock.now())
