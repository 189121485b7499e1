"""What insights hold on a customer: the profile, what it was counted from, and which of their devices it joins."""

from core.holdings import Held, Holder

_SUBJECTS = "subject_id IN (SELECT subject_id FROM insights.subject WHERE customer_id = %(customer)s)"

HOLDER = Holder(
    room="insights",
    held=(
        # Before the profile, which what is told anew would bring back.
        Held(table="insights.rebuild", where="id = %(customer)s", is_told=False, erased="dropped",
             why="that the profile, which is told, is to be counted anew"),
        Held(table="insights.membership", order="segment_id", hides=("recheck_on",), erased="dropped"),
        Held(table="insights.trait", order="name", erased="dropped"),
        Held(table="insights.trait_change", order="name, at", erased="dropped"),
        Held(table="insights.activity", order="stream_id", erased="dropped"),
        Held(table="insights.activity_day", order="day, stream_id", erased="dropped"),
        Held(table="insights.habit", order="hour", erased="dropped"),
        Held(table="insights.revenue", order="currency", erased="dropped"),
        Held(table="insights.kept_apart", where=f"customer_id = %(customer)s OR {_SUBJECTS}", order="subject_id",
             erased="dropped"),
        Held(table="insights.subject_claim", where=f"customer_id = %(customer)s OR {_SUBJECTS}", order="subject_id",
             erased="dropped"),
        Held(table="insights.link", hides=("undone_by",), erased="dropped"),
        Held(table="insights.subject", order="subject_id", erased="dropped"),
        Held(table="insights.profile", order="first_seen_at", erased="dropped"),
    ),
)  # fmt: skip
