"""How templates say no."""

from core.errors import InvalidInput, Kind, Refusal


class TemplateInvalid(InvalidInput):
    """`errors` names each fault by a JSON pointer into the wording, in words for the person who wrote it."""

    code = "template_invalid"
    title = "The template cannot be saved or shown as it is"


class TemplateKeyTaken(Refusal):
    code = "template_key_taken"
    kind = Kind.CONFLICT
    title = "Another template has this key"
    constraint = "uq_template_key"


class TemplateInUse(Refusal):
    """`used_by` names the first ten journeys and broadcasts that say it."""

    code = "template_in_use"
    kind = Kind.CONFLICT
    title = "A journey or a broadcast uses this template"


class TemplateArchived(Refusal):
    code = "template_archived"
    kind = Kind.CONFLICT
    title = "The template is archived; nothing is written by it any more"


class WordingMissing(InvalidInput):
    code = "wording_missing"
    title = "The template has no text for this channel"
