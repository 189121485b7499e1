"""What people and places may be, in one word each."""

ACTIVE, SUSPENDED = "active", "suspended"

#: A terminal that is out of use for ever, and its key with it.
REVOKED = "revoked"

#: A customer whose data is being erased, and one who is nobody any more.
ERASING, ERASED = "erasing", "erased"
