"""Whatever is kept on customers, a room says so: what no declaration names would outlive its customer unseen."""

import importlib
import pkgutil

import pytest
from flask import Flask
from sqlalchemy import Table

from app import wiring
from auth.privacy import rows
from core import ids
from core.db import Base, connection_of, transaction
from core.holdings import Held

#: Columns that name a customer, or find one.
NAMING = {
    "buyer_id", "customer_id", "giver_id", "owner", "owner_id", "payer_id", "phone", "phone_index", "principal",
    "receiver_id", "recipient", "requester_id", "sender_id", "subject", "subject_id",
}  # fmt: skip

HELD = [held for holder in wiring.PRIVACY for held in holder.held]
EXEMPT = {table: reason for holder in wiring.PRIVACY for table, reason in holder.exempt.items()}


def tables() -> dict[str, Table]:
    for holder in wiring.PRIVACY:
        package = importlib.import_module(holder.room)
        for found in pkgutil.walk_packages(package.__path__, f"{holder.room}."):
            if found.name.rpartition(".")[2].endswith("models"):
                importlib.import_module(found.name)
    return {f"{table.schema}.{table.name}": table for table in Base.metadata.tables.values()}


def test_every_table_with_a_customers_column_is_named_by_a_holder_or_exempt() -> None:
    naming = {name for name, table in tables().items() if NAMING & set(table.columns.keys())}

    told = {held.table for held in HELD}

    assert naming - told - set(EXEMPT) == set()
    assert (told | set(EXEMPT)) - set(tables()) == set()
    assert told & set(EXEMPT) == set()
    assert all(EXEMPT.values())


def test_a_room_declares_its_own_tables() -> None:
    for holder in wiring.PRIVACY:
        schemas = {name.partition(".")[0] for name in (*(held.table for held in holder.held), *holder.exempt)}
        assert schemas <= {holder.room}


@pytest.mark.parametrize("held", HELD, ids=lambda held: held.table)
def test_what_is_declared_can_be_asked(app: Flask, held: Held) -> None:
    columns = set(tables()[held.table].columns.keys())
    named = {*held.opens, *held.hides, *held.clears}
    named |= {column for sealed in held.opens.values() for column in (sealed.owner, sealed.row)}
    nobody = ids.new()

    with transaction() as session:
        assert list(rows.told(session, held, nobody)) == []
        assert rows.find(connection_of(session), held, nobody) == []
        if held.erased != "kept":
            assert rows.erase(connection_of(session), held, nobody, ["(0,1)"]) == 0

    assert named <= columns
