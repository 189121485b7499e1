"""How offers say no."""

from core.errors import Refusal


class StackingExcluded(Refusal):
    """`category` where the basket has another coupon of it, `exclusive` where one of them stands alone."""

    code = "stacking_excluded"
    title = "The voucher cannot be used together with another one in the basket"
