"""How the ingest door says no to a whole request. A bad event inside a batch is named in the answer instead."""

from core.errors import Kind, Refusal


class WriteKeyUnknown(Refusal):
    code = "write_key_unknown"
    kind = Kind.UNAUTHENTICATED
    challenge = 'Basic realm="pocketful"'
    title = "Send a write key of this brand, as the user name of Basic authentication or as writeKey in the body"


class WriteKeyRevoked(WriteKeyUnknown):
    code = "write_key_revoked"
    title = "This write key was revoked: ask the brand for another one"


class LinkRefused(Refusal):
    code = "link_refused"
    kind = Kind.INVALID
    title = "This id can be nobody's: it stands for nobody in particular"


class BatchUnreadable(Refusal):
    code = "batch_unreadable"
    kind = Kind.MALFORMED
    title = "The body is not a JSON object that the Segment HTTP API knows"


class BatchTooLarge(Refusal):
    code = "batch_too_large"
    kind = Kind.TOO_LARGE
    title = "At most 500 KB and 500 events a batch, 32 KB an event"


class EventInvalid(Refusal):
    code = "event_invalid"
    kind = Kind.MALFORMED
    title = "The event is invalid"


class IdentityTaken(Refusal):
    code = "identity_taken"
    kind = Kind.CONFLICT
    title = "That id already belongs to another customer"


class ServerKeyNeeded(Refusal):
    """A client's key lies in an app, where anybody can read it, and would let them give others' numbers."""

    code = "server_key_needed"
    kind = Kind.FORBIDDEN
    title = "This needs a write key that is trusted as a server's"


class SourceUnknown(Refusal):
    code = "source_unknown"
    kind = Kind.NOT_FOUND
    title = "No write key, of the settings or made by staff, is of this source"
