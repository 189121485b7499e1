"""Shapes of consents on the wire."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from core import personal
from core.web.schemas import Instant
from engage.consents import wordings
from engage.consents.models import CHANNELS, PURPOSES

_LOCALE = validate.Regexp(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}\Z", error="Must be a language tag: en-US.")
_REFERENCE = validate.Regexp(
    r"[A-Za-z0-9][A-Za-z0-9 ./#_-]{0,63}\Z", error="Must be a reference of 1 to 64 letters, digits and ./#_-."
)
#: What staff may have a customer's word from.
EVIDENCE = ("paper", "call", "counter", "letter", "other")


def _tells_nobody(text: str) -> None:
    if personal.tells(text):
        raise ValidationError("Must not be a telephone number or an e-mail address: it is kept for ever.")


class _AboutSchema(Schema):
    channel = fields.String(required=True, validate=validate.OneOf(CHANNELS), metadata={"example": "push"})
    purpose = fields.String(required=True, validate=validate.OneOf(PURPOSES), metadata={"example": "marketing"})


class ConsentSchema(_AboutSchema):
    granted = fields.Boolean(required=True, attribute="is_granted", truthy={True}, falsy={False})
    wording_id = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "The words in which the customer was asked, as `GET /preferences` gave them."},
    )
    source = fields.String(dump_only=True, metadata={"description": "Where the customer said so."})
    at = Instant(dump_only=True)


class ConsentsSchema(Schema):
    items = fields.List(fields.Nested(ConsentSchema()))


class WordingToAskSchema(Schema):
    id = fields.UUID()
    locale = fields.String()
    text = fields.String()


class SaidSchema(Schema):
    granted = fields.Boolean(attribute="is_granted")
    source = fields.String()
    wording_id = fields.UUID(allow_none=True)
    at = Instant()


class ContactPreferenceSchema(_AboutSchema):
    granted = fields.Boolean(
        attribute="is_granted", metadata={"description": "What counts, whether the customer said it or never did."}
    )
    said = fields.Nested(
        SaidSchema(), allow_none=True, metadata={"description": "What the customer said; null where they never did."}
    )
    wording = fields.Nested(WordingToAskSchema(), allow_none=True, metadata={"description": "The words to ask in."})
    blocked = fields.Boolean(
        attribute="is_blocked",
        metadata={"description": "The number sent STOP: only its START there lets messages through again."},
    )


class AllowedSchema(Schema):
    items = fields.List(fields.Nested(ContactPreferenceSchema()))


class ContactPreferencesSchema(AllowedSchema):
    url = fields.String(metadata={"description": "The same as a page of ours, behind a signed link."})


class EvidenceSchema(Schema):
    kind = fields.String(required=True, validate=validate.OneOf(EVIDENCE), metadata={"example": "paper"})
    reference = fields.String(
        required=True,
        validate=[_REFERENCE, _tells_nobody],
        metadata={"description": "Where it is filed: a ticket, a form's number.", "example": "FORM-2026-118"},
    )


class StaffConsentSchema(ConsentSchema):
    evidence = fields.Nested(EvidenceSchema(), required=True)


class ConsentRecordSchema(_AboutSchema):
    """One thing that the customer said, and how we know."""

    id = fields.UUID()
    granted = fields.Boolean(attribute="is_granted")
    source = fields.String(metadata={"example": "page"})
    wording_id = fields.UUID(allow_none=True)
    evidence = fields.Dict(keys=fields.String())
    at = Instant()


class NewWordingSchema(_AboutSchema):
    locale = fields.String(required=True, validate=_LOCALE, metadata={"example": "en"})
    text = fields.String(
        required=True,
        validate=[
            validate.Length(min=1, max=wordings.LONGEST),
            validate.Regexp(r"(?s).*\S", error="Must say something."),
        ],
        metadata={"example": "Yes, send me offers as text messages, at most two a week. I can stop them at any time."},
    )


class WordingSchema(NewWordingSchema):
    id: Any = fields.UUID()
    made_by = fields.String()
    made_at = Instant()
