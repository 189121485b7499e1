"""What codes may cost a day: so many messages and no more."""

from datetime import timedelta

from auth.limits import Limit

_DAY = timedelta(days=1)


def limits(most: int, *, is_known: bool) -> list[tuple[Limit, str]]:
    """The day's counters of a code, for `limits.take`. The last tenth is kept for who is no stranger: who uses the cap
    up keeps new customers out, and those that there are come in."""
    counted = [] if is_known else [(Limit("otp.strangers", most=most * 9 // 10, window=_DAY), "")]
    return [*counted, (Limit("otp.all", most=most, window=_DAY), "")]
