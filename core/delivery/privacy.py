"""What the ground floor holds on a customer: the event log, messages, answers kept for retries, the audit log."""

from core.holdings import Held, Holder, Sealed

HOLDER = Holder(
    room="core",
    held=(
        Held(
            table="core.event_private",
            opens={"ciphertext": Sealed("core.event_private.ciphertext", row="event_id")},
            order="event_id",
            erased="kept",
            why="sealed under the customer's key and opens for nobody once that is destroyed; its partitions are"
            " written once and have no way to it but by the event",
        ),
        Held(
            table="core.event",
            order="id",
            why="facts under a pseudonymous id, which money, campaigns and their results are counted from",
        ),
        Held(
            table="core.message",
            opens={"recipient": Sealed("message.recipient"), "content": Sealed("message.content")},
            hides=("provider_message_id", "gate"),
            why="that a message was sent; whom to and what it said opens for nobody once the key is destroyed",
        ),
        Held(
            table="core.idempotency",
            where="principal = %(name)s",
            order="key",
            is_told=False,
            erased="dropped",
            why="answers given already, kept a while for retries",
        ),
        Held(
            table="core.audit_entry",
            where="target = %(name)s OR actor = %(name)s",
            hides=("actor", "origin", "session_id", "request_id"),
            why="who did what at the brand, under pseudonymous ids; the log is sealed by a hash chain",
        ),
    ),
    exempt={
        "core.data_key": "the key itself: destroyed as the last of the erasure",
        "core.reader_parked": "holds an id while a reader is stuck, and is emptied by it",
        "core.sandbox_message": "stands on developers' machines only",
        "core.rate": "HMACs of who asked, for a minute",
    },
)
