"""What is one caller's own works for its owner: the matrix beside this says what everybody else gets of it."""

from flask import Flask

from auth import tokens
from tests.house.declared.app import APP
from tests.house.declared.merchant import MERCHANT
from tests.house.declared.principals import OWNED
from tests.house.matrix.things import body, customer_with, named, shop, terminal, things_of

#: What its owner can only do with a telephone in hand: they are told that this is no proof.
UNPROVED = {"PUT /app/v1/approvals/{approval_id}/proof": 422}


def test_owners_are_given_what_is_theirs(app: Flask) -> None:
    merchant_id, store_id = shop()
    owners = {tokens.APP: customer_with(app), tokens.MERCHANT: terminal(app, merchant_id, store_id=store_id)}
    things = things_of(owners[tokens.APP], owners[tokens.MERCHANT])

    seen = {
        operation: owners[audience].ask(operation, body(operation, things), **named(operation, things)).status_code
        for audience, declared in ((tokens.APP, APP), (tokens.MERCHANT, MERCHANT))
        for operation, whose in declared.items()
        if whose == OWNED
    }

    others = {operation: status for operation, status in seen.items() if status not in (200, 201, 202, 204)}
    assert others == UNPROVED
