"""The demo's own database, and its note of what was played there.

It stands beside the brand's database on the same server, so that a play never touches anyone's data. Its schema `demo`
is the demo's alone: no room of the house knows it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from app import database, start
from app.demo import telling
from app.demo.lifecycle import Lifecycle
from app.demo.source_files import Window
from app.demo.telling import Section
from core import db
from core.db import connection_of, transaction
from core.errors import ConfigurationError
from core.settings import Settings

DATABASE = "pocketful_demo"
#: Raised when the rules of the replay change: what was played by other rules counts as never played.
RULES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Which of the files' households, stores and coupons is whom and which of ours.

    shape    tills: store number -> (store id, terminal id); offers: (campaign, coupon) numbers -> campaign id
    """

    currency: str
    merchant_id: UUID
    journey_id: UUID
    journey_campaign_id: UUID
    households: Mapping[int, UUID]
    tills: Mapping[int, tuple[UUID, UUID]]
    offers: Mapping[tuple[int, int], UUID]
    lifecycle: Lifecycle


@dataclass(frozen=True, slots=True)
class Played:
    """A finished play.

    units        seconds: of the baskets with all that they set off; setting_up_seconds: of what came before them
    differences  how many its table had when it was laid last; None before the first time
    """

    window: Window
    baskets: int
    seconds: float
    setting_up_seconds: float
    finished_at: datetime
    differences: int | None = None


def settings_of(settings: Settings, name: str = DATABASE) -> Settings:
    """The same settings over the demo's database, on the server whose database is open now."""
    return replace(settings, database_url=make_url(db.url()).set(database=name).render_as_string(hide_password=False))


def exists(settings: Settings) -> bool:
    """Whether the demo's database is there; asked of the database that is open now."""
    with transaction() as session:
        query = "SELECT FROM pg_database WHERE datname = %s"
        return connection_of(session).execute(query, [_name(settings)]).fetchone() is not None


def open_played(settings: Settings) -> Played | None:
    """Open the demo's database and say what was played in it; None if not to its end, or by another version."""
    db.open_database(settings)
    if not database.is_current():
        return None
    start.open_house(settings)
    try:
        with transaction() as session:
            row = connection_of(session).execute(_PLAYED, [RULES]).fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        return None
    return Played(Window(row[0], row[1]), *row[2:]) if row else None


def open_empty(settings: Settings) -> None:
    """Drop whatever the demo's database held, finished or not, and open an empty house in its place.

    raises  ConfigurationError when another demo is in it, or the server does not let us
    """
    server, name = db.url(), sql.Identifier(_name(settings))
    if make_url(server).database == _name(settings):
        # Nobody can drop the database that they are in; this one is on every server.
        server = make_url(server).set(database="postgres").render_as_string(hide_password=False)
    db.close_database()
    try:
        with psycopg.connect(server, autocommit=True, connect_timeout=5) as admin:
            # Not WITH (FORCE): that would pull the rug from under a demo that plays or serves just now.
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(name))
            admin.execute(sql.SQL("CREATE DATABASE {}").format(name))
    except psycopg.errors.ObjectInUse as error:
        raise ConfigurationError("another demo is playing or serving: stop it first") from error
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigurationError(f"The demo needs a database of its own, {_name(settings)}: {reason}") from error
    start.open_house(settings)
    with transaction() as session:
        connection_of(session).execute(_SCHEMA)


def keep_scene(scene: Scene) -> None:
    """Note who is who, for the table and its check."""
    with transaction() as session:
        connection = connection_of(session)
        connection.execute(
            "INSERT INTO demo.scene VALUES (%s, %s, %s, %s)",
            [scene.currency, scene.merchant_id, scene.journey_id, scene.journey_campaign_id],
        )
        cursor = connection.cursor()
        cursor.executemany("INSERT INTO demo.household VALUES (%s, %s)", list(scene.households.items()))
        cursor.executemany("INSERT INTO demo.till VALUES (%s, %s, %s)", [(n, *ids) for n, ids in scene.tills.items()])
        cursor.executemany("INSERT INTO demo.offer VALUES (%s, %s, %s)", [(*n, id_) for n, id_ in scene.offers.items()])
        named = [(each.name, getattr(scene.lifecycle, each.name)) for each in fields(Lifecycle)]
        cursor.executemany("INSERT INTO demo.lifecycle VALUES (%s, %s)", named)


def scene() -> Scene:
    """What `keep_scene` noted in the open database."""
    with transaction() as session:
        connection = connection_of(session)
        row = connection.execute("SELECT * FROM demo.scene").fetchone()
        assert row, "a finished play has its scene"
        return Scene(
            currency=row[0], merchant_id=row[1], journey_id=row[2], journey_campaign_id=row[3],
            households=dict(connection.execute("SELECT * FROM demo.household").fetchall()),
            tills={row[0]: (row[1], row[2]) for row in connection.execute("SELECT * FROM demo.till")},
            offers={(row[0], row[1]): row[2] for row in connection.execute("SELECT * FROM demo.offer")},
            lifecycle=Lifecycle(**dict(connection.execute("SELECT * FROM demo.lifecycle").fetchall())),
        )  # fmt: skip


def keep_played(played: Played) -> None:
    """The last thing that a play does: without this note it counts as never played."""
    window = played.window
    seconds = [played.seconds, played.setting_up_seconds]
    values = [RULES, window.first, window.last, played.baskets, *seconds, played.finished_at]
    with transaction() as session:
        connection_of(session).execute("INSERT INTO demo.play VALUES (%s, %s, %s, %s, %s, %s, %s)", values)


def keep_told(sections: Sequence[Section]) -> None:
    """Note what the scene at the end of the play has to tell."""
    with transaction() as session:
        connection_of(session).execute("INSERT INTO demo.told VALUES (%s)", [telling.dumped(sections)])


def told() -> list[Section]:
    """What `keep_told` noted in the open database."""
    with transaction() as session:
        row = connection_of(session).execute("SELECT sections FROM demo.told").fetchone()
        assert row, "a finished play has told its scene"
        return telling.loaded(row[0])


def keep_simulation(number: int, simulation_id: UUID) -> None:
    """Note which simulation is that of which campaign of the files."""
    with transaction() as session:
        connection_of(session).execute("INSERT INTO demo.simulated VALUES (%s, %s)", [number, simulation_id])


def keep_differences(count: int) -> None:
    """Note how many differences the table of the play in the open database has."""
    with transaction() as session:
        connection_of(session).execute("UPDATE demo.play SET differences = %s", [count])


def _name(settings: Settings) -> str:
    return str(make_url(settings.database_url).database)


_PLAYED = """
    SELECT first_day, last_day, baskets, seconds, setting_up_seconds, finished_at, differences
      FROM demo.play WHERE rules = %s
"""

_SCHEMA = """
CREATE SCHEMA demo;
CREATE TABLE demo.scene (currency text, merchant_id uuid, journey_id uuid, journey_campaign_id uuid);
CREATE TABLE demo.household (household_id int PRIMARY KEY, customer_id uuid NOT NULL UNIQUE);
CREATE TABLE demo.till (store_number int PRIMARY KEY, store_id uuid NOT NULL UNIQUE, terminal_id uuid NOT NULL UNIQUE);
CREATE TABLE demo.offer (
    campaign_number int, coupon_upc bigint, campaign_id uuid NOT NULL UNIQUE, PRIMARY KEY (campaign_number, coupon_upc)
);
CREATE TABLE demo.lifecycle (name text PRIMARY KEY, journey_id uuid NOT NULL UNIQUE);
CREATE TABLE demo.play (
    rules int NOT NULL, first_day date NOT NULL, last_day date NOT NULL, baskets int NOT NULL, seconds float NOT NULL,
    setting_up_seconds float NOT NULL, finished_at timestamptz NOT NULL, differences int
);
CREATE TABLE demo.told (sections jsonb NOT NULL);
CREATE TABLE demo.simulated (campaign_number int PRIMARY KEY, simulation_id uuid NOT NULL UNIQUE);
"""
