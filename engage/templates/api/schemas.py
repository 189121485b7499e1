"""Shapes of templates on the wire."""

from marshmallow import Schema, fields, validate

from core.web.schemas import Instant
from engage.consents.models import PURPOSES
from engage.templates.models import STATUSES
from engage.templates.wording import CHANNELS

_WORDING = fields.Dict(
    keys=fields.String(),
    required=True,
    metadata={
        "description": "A text for each channel and locale; faults come back as JSON pointers into this.",
        "example": {
            "default_locale": "en",
            "links": {"shop": "https://shop.example/autumn"},
            "push": {"en": {"title": "For you", "body": "Your code: {{ voucher.code }}"}},
            "sms": {
                "en": {"body": "Your code: {{ voucher.code }} {{ links.shop }}"},
                "fr": {"body": "Votre code : {{ voucher.code }} {{ links.shop }}"},
            },
        },
    },
)


class NewTemplateSchema(Schema):
    key = fields.String(
        required=True,
        validate=validate.Regexp(
            r"[a-z][a-z0-9_]{0,59}\Z", error="Must be 1 to 60 small letters, digits and underscores, a letter first."
        ),
        metadata={"example": "welcome_gift"},
    )
    name = fields.String(required=True, validate=validate.Length(min=1, max=200), metadata={"example": "Welcome"})
    purpose = fields.String(required=True, validate=validate.OneOf(PURPOSES), metadata={"example": "marketing"})
    wording = _WORDING


class NewTemplateVersionSchema(Schema):
    wording = _WORDING


class TemplateSchema(Schema):
    id = fields.UUID()
    key = fields.String()
    name = fields.String()
    purpose = fields.String()
    status = fields.String(validate=validate.OneOf(STATUSES))
    live_version_id = fields.UUID()
    created_by = fields.String()
    created_at = Instant()


class TemplateVersionSchema(Schema):
    id = fields.UUID()
    number = fields.Integer()
    wording = fields.Dict(keys=fields.String())
    says = fields.List(fields.String(), metadata={"description": "The variables that it names."})
    made_by = fields.String()
    made_at = Instant()


class TemplateDetailSchema(TemplateSchema):
    versions = fields.List(
        fields.Nested(TemplateVersionSchema()), metadata={"description": "The latest first, at most ten."}
    )


class TemplateStatusSchema(Schema):
    status = fields.String(required=True, validate=validate.OneOf(("archived",)))


class AskedPreviewSchema(Schema):
    channel = fields.String(required=True, validate=validate.OneOf(CHANNELS), metadata={"example": "sms"})
    customer_id = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "Whose data fill it in; needs the permission customers.read, too."},
    )
    event_id = fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "What happened, as it stands in the customer's timeline."},
    )
    locale = fields.String(
        load_default=None, allow_none=True, validate=validate.Length(max=20), metadata={"example": "fr-CA"}
    )
    wording = fields.Dict(
        keys=fields.String(),
        load_default=None,
        allow_none=True,
        metadata={"description": "To look at instead of the saved one, which stays as it is."},
    )


class PartsSchema(Schema):
    """In how many parts a text message is sent, each of which is paid."""

    encoding = fields.String(metadata={"example": "GSM-7"})
    units = fields.Integer()
    parts = fields.Integer()
    odd = fields.String(metadata={"description": "The characters that make it UCS-2, so that it takes more parts."})


class RenderedActionSchema(Schema):
    id = fields.String()
    title = fields.String()
    link = fields.String(allow_none=True)


class RenderedSchema(Schema):
    body = fields.String()
    title = fields.String(allow_none=True)
    subject = fields.String(allow_none=True)
    html = fields.String(allow_none=True)
    image = fields.String(allow_none=True)
    deep_link = fields.String(allow_none=True)
    actions = fields.List(fields.Nested(RenderedActionSchema()))
    content_sid = fields.String(allow_none=True)
    content_variables = fields.Dict(keys=fields.String(), values=fields.String(), allow_none=True)


class PreviewSchema(Schema):
    locale = fields.String(metadata={"description": "The one that the text is written in."})
    rendered = fields.Nested(RenderedSchema())
    sms = fields.Nested(PartsSchema(), attribute="parts", allow_none=True)
