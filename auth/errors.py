"""How auth says no. OAuth's own endpoints answer in OAuth's own words (RFC 6749 section 5.2), never as problems."""

from dataclasses import dataclass, field
from typing import Any

from core.errors import Kind, Refusal


@dataclass(frozen=True)
class OAuthRefusal:
    """A no of the sign-in door. It is returned, not raised: what a refusal writes (a try counted, a family
    revoked) has to be committed.

    extra   further members of the JSON body
    """

    error: str
    description: str
    status: int = 400
    extra: dict[str, Any] = field(default_factory=dict)
    retry_after_seconds: int | None = None


class CustomerCodeRefused(Refusal):
    """One answer for every reason, so that a guesser at a till learns nothing."""

    code = "customer_code_refused"
    title = "This customer code does not work (any more): ask the customer to show it again"


class PhoneInvalid(Refusal):
    code = "phone_invalid"
    kind = Kind.INVALID
    title = "A phone number is written +, country code, number: +12125550142"


class EmailInvalid(Refusal):
    code = "email_invalid"
    kind = Kind.INVALID
    title = "This is not an e-mail address"


class EmailCodeWrong(Refusal):
    """Also for a code that ran out, was tried too often, or was never sent."""

    code = "email_code_wrong"
    title = "This code is wrong or works no more; ask for another one"


class EmailLimited(Refusal):
    code = "email_limited"
    kind = Kind.LIMITED
    title = "Too many codes were asked for; try again later"


class EmailTaken(Refusal):
    """Told only to who has just proved that they read what is sent to the address."""

    code = "email_taken"
    kind = Kind.CONFLICT
    title = "Another customer proved this address before"
    constraint = "uq_customer_email_index"


class BirthdayInvalid(Refusal):
    code = "birthday_invalid"
    kind = Kind.INVALID
    title = "A birthday is written year, month, day, or without the year: 1990-02-28 or 02-28"


class BirthdayFixed(Refusal):
    code = "birthday_fixed"
    kind = Kind.CONFLICT
    title = "A birthday can be changed once a year"


class StaffExists(Refusal):
    code = "staff_exists"
    kind = Kind.CONFLICT
    title = "There is a person with this e-mail address already"
    constraint = "uq_staff_email_index"


class PermissionInvalid(Refusal):
    code = "permission_invalid"
    kind = Kind.INVALID
    title = "A permission is lower-case words with a colon or full stop between: campaigns:write"


class PublicKeyInvalid(Refusal):
    code = "public_key_invalid"
    kind = Kind.INVALID
    title = "A terminal's public key is PEM (SubjectPublicKeyInfo), Ed25519 or ECDSA P-256"


class PublicKeyTaken(Refusal):
    code = "public_key_taken"
    kind = Kind.CONFLICT
    title = "Another terminal has this public key"
    constraint = "uq_terminal_key_fingerprint"


class StoreExists(Refusal):
    code = "store_exists"
    kind = Kind.CONFLICT
    title = "The merchant has a store with this reference already"
    constraint = "uq_store_merchant_id_reference"


class TimeZoneUnknown(Refusal):
    code = "time_zone_unknown"
    kind = Kind.INVALID
    title = "This is not an IANA time zone: Europe/London"


class SandboxBusy(Refusal):
    code = "sandbox_busy"
    kind = Kind.LIMITED
    title = "A sandbox takes so many requests and no more; wait"


class PushTokenMoving(Refusal):
    code = "push_token_moving"
    kind = Kind.CONFLICT
    title = "Another device brought the same push token at this moment; send it again"
    constraint = "uq_device_push_token_index"
    retry_after_seconds = 1


class SelfApproval(Refusal):
    code = "self_approval"
    kind = Kind.FORBIDDEN
    title = "A second person has to decide what one has asked"
    constraint = "ck_approval_second_person"


class ApprovalNotYours(Refusal):
    code = "approval_not_yours"
    kind = Kind.FORBIDDEN
    title = "Only who asked for it may withdraw it"


class AlreadyDecided(Refusal):
    """`status` in its facts would hide the HTTP one, so that it is told as `decision`."""

    code = "approval_decided"
    kind = Kind.CONFLICT
    title = "This was decided or withdrawn before"


class ApprovalLapsed(Refusal):
    code = "approval_lapsed"
    title = "The time to decide and carry this out has passed; ask again"


class ApprovalNotGiven(Refusal):
    code = "approval_not_given"
    kind = Kind.CONFLICT
    title = "This has not been approved"


class ApprovalSpent(Refusal):
    code = "approval_used"
    kind = Kind.CONFLICT
    title = "What was approved has been carried out already"


class ApprovalMismatch(Refusal):
    code = "approval_mismatch"
    title = "This is not what was approved"
