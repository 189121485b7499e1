"""The migrations make what the models say, and foreign keys point down only."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from core import db
from tests.house.test_errors import ROOMS, load_rooms


def _is_ours(name: str | None, kind: str, parents: dict[str, str | None]) -> bool:
    if kind == "schema":
        return name in ROOMS
    if kind == "table":
        # Partitions and what only SQL functions touch have no model.
        return (
            (name or "") not in {"cluster", "epoch_kept", "month_partitioned"}
            and not (name or "").endswith("_default")
            and not (name or "")[-7:].replace("_", "").isdigit()
        )
    return True


# Alembic 1.20 hands SQLAlchemy 2.1 an option that it warns of; nothing that we declare.
@pytest.mark.filterwarnings("ignore:Can't validate argument 'dialect_options'")
@pytest.mark.usefixtures("database")
def test_migrations_match_models() -> None:
    load_rooms()
    with db.engine().connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": _is_ours,
                "compare_type": True,
                "version_table_schema": "public",
            },
        )
        differences = compare_metadata(context, db.Base.metadata)

    assert differences == []


def test_foreign_keys_point_down_only() -> None:
    load_rooms()
    height = {room: level for level, room in enumerate(ROOMS)}
    climbing = [
        f"{table.fullname} -> {key.column.table.fullname}"
        for table in db.Base.metadata.tables.values()
        for key in table.foreign_keys
        if height[str(table.schema)] < height[str(key.column.table.schema)]
    ]

    assert climbing == []


def test_every_table_stands_in_its_rooms_schema() -> None:
    load_rooms()
    strays = [
        table.fullname
        for mapper in db.Base.registry.mappers
        if (table := mapper.local_table).schema != mapper.class_.__module__.split(".")[0]  # type: ignore[attr-defined]
        and not mapper.class_.__module__.startswith("tests.")
    ]

    assert strays == []
