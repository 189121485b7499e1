"""What the machine draws: campaigns, their terms, and baskets."""

from hypothesis import strategies as st

from rewards.baskets import Line

DISCOUNTS = st.one_of(
    st.integers(50, 700).map(lambda minor: {"kind": "amount", "amount_minor": minor}),
    st.sampled_from([1, 1_250, 5_000, 10_000]).map(lambda bps: {"kind": "percentage", "bps": bps}),
    st.just({"kind": "percentage", "bps": 5_000, "cap_minor": 120}),
    st.just({"kind": "cheapest_free", "of": 2}),
    st.just({"kind": "fixed_price", "quantity": 2, "price_minor": 300}),
    st.just({"kind": "free_item", "sku": "tea"}),
    st.booleans().map(lambda needs: {"kind": "lines", "needs_covered_line": needs}),
)
#: Small, so that a dozen deeds reach them.
LIMITS = (
    (),
    ({"scope": "total", "measure": "uses", "period": "day", "most": 2},),
    (
        {"scope": "store", "measure": "amount", "period": "week", "most": 900},
        {"scope": "customer", "measure": "uses", "period": "month", "most": 3},
    ),
    (
        {"scope": "customer", "measure": "amount", "period": "ever", "most": 600},
        {"scope": "total", "measure": "amount", "period": "day", "most": 800},
    ),
)
TERMS = st.fixed_dictionaries(
    {
        "limits": st.sampled_from(LIMITS),
        "limit_total": st.sampled_from([None, None, 4]),
        "limit_per_customer": st.integers(1, 3),
        "uses_per_code": st.integers(1, 2),
        "min_spend_minor": st.sampled_from([0, 0, 400]),
        "category": st.sampled_from([None, None, "fresh"]),
        "is_exclusive": st.sampled_from([False, False, False, True]),
    }
)
CAMPAIGNS = st.tuples(DISCOUNTS, st.sampled_from([None, None, ("milk", "tea")]), st.integers(300, 2_500), TERMS)
LINES = st.lists(
    st.builds(
        Line,
        sku=st.sampled_from(["milk", "tea", "wine"]),
        category=st.just(""),
        quantity=st.sampled_from(["1", "2", "3"]),
        amount_minor=st.integers(1, 900),
        coupon_minor=st.sampled_from([0, 0, 40, 700]),
    ),
    min_size=1,
    max_size=4,
).map(tuple)
#: Of each campaign: three that are customers' own, a code for all, and one of a batch.
OWNERS = ((0, False), (0, False), (1, False), (None, True), (None, False))
#: Owner, value, and how many days it lasts.
CARDS = ((0, 700, None), (0, 250, 2), (1, 400, None), (None, 300, 2))
