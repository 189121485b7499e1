"""Partners' servers report people who are to come into a journey: POST /v1/entries."""

from typing import Any

from flask import jsonify, make_response
from flask.wrappers import Response
from flask_smorest import Blueprint
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate, validates_schema

from connect import identities
from connect.api import guard
from connect.calls import Call
from connect.errors import ServerKeyNeeded
from core import clock
from core.db import connection_of, transaction
from core.errors import NotFound
from core.web.schemas import Instant
from engage.journeys.doors import asking
from engage.journeys.doors.errors import EntryInvalid

blueprint = Blueprint("connect_entries", __name__, description="Partners let people into journeys")


class PartnerEntrySchema(Schema):
    class Meta:
        unknown = EXCLUDE  # a writeKey may stand in the body

    door = fields.String(required=True, validate=validate.Length(min=2, max=50), metadata={"example": "shop-gift"})
    reference = fields.String(
        required=True,
        validate=validate.Length(min=1, max=200),
        metadata={
            "description": "Yours, for ever: the same one again is the same request. A number or code, nothing that"
            " tells who the person is.",
            "example": "order-4711",
        },
    )
    phone = fields.String(
        validate=validate.Length(max=40),
        metadata={"description": "The number that they will sign up with, or have.", "example": "+12125550142"},
    )
    userId = fields.String(
        validate=validate.Length(min=1, max=512),
        metadata={"description": "A customer of ours, by our id or by yours that was mapped."},
    )

    @validates_schema
    def _is_somebody(self, data: dict[str, Any], **_: Any) -> None:
        if ("phone" in data) == ("userId" in data):
            raise ValidationError("Say who it is: by phone or by userId.", "phone")


class PartnerEntryAnswerSchema(Schema):
    id = fields.UUID()
    door = fields.String()
    status = fields.String(
        validate=validate.OneOf(("entered", "accepted")),
        metadata={
            "description": "accepted, of a number: they come in now, or when they sign up within 30 days. Which of the"
            " two is not told: whose number is a customer's is nobody's business."
        },
    )
    requested_at = Instant()


@blueprint.post("/entries")
@blueprint.response(201, PartnerEntryAnswerSchema())
@blueprint.alt_response(200, schema=PartnerEntryAnswerSchema(), description="The reference stood before")
@blueprint.doc(
    requestBody={"required": True, "content": {"application/json": {"schema": PartnerEntrySchema}}},
)
def report_entry() -> Response:
    """Report somebody who is to come into a journey, now or when they sign up (a server's write key)

    The `reference` makes it safe to send again: 201 the first time, 200 after that. The door is one that the brand
    made for this key's source.
    """
    if not guard.current().is_server:
        raise ServerKeyNeeded
    said = _read(guard.body().members)
    now = clock.now()
    with transaction() as session:
        customer_id = None
        if "userId" in said:
            call = Call("identify", None, said["userId"], None, None, now, {})
            [known] = identities.of_calls(connection_of(session), [call], source=guard.current())
            if known.customer_id is None:
                raise NotFound
            customer_id = known.customer_id
        entry = asking.by_partner(
            session,
            slug=said["door"],
            source=guard.current().name,
            reference=said["reference"],
            phone=said.get("phone"),
            customer_id=customer_id,
            now=now,
        )
    told = {
        "id": entry.id,
        "door": entry.door,
        "status": "entered" if "userId" in said else "accepted",
        "requested_at": entry.requested_at,
    }
    return make_response(jsonify(PartnerEntryAnswerSchema().dump(told)), 200 if entry.is_repeated else 201)


def _read(members: dict[str, Any]) -> dict[str, Any]:
    """raises  EntryInvalid naming every fault"""
    try:
        return dict(PartnerEntrySchema().load(members))
    except ValidationError as error:
        faults = [
            {"pointer": f"/{name}", "detail": " ".join(map(str, details))}
            for name, details in error.messages_dict.items()
        ]
        raise EntryInvalid(errors=faults) from error
