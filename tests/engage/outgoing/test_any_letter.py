"""Whatever a letter, its customer and the policy are: what goes out was allowed, in time, whole, and counted."""

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core import crypto, ids
from core.settings import Settings
from engage.consents import Consents
from engage.contacting import policy
from engage.contacting.caps import Caps
from engage.outgoing import Sent, World, decide
from engage.outgoing.content import LONGEST
from tests.engage.outgoing.posting import letter, said
from tests.engage.outgoing.test_deciding import MORNING, NIGHT, NOON, WHO, contact, devices, voucher

CHANNELS = ("push", "sms", "whatsapp", "email", "inbox")
PLAIN = said({"any": {"en": {"title": "T", "body": "Hi https://a.example"}, "fr": {"title": "T", "body": "Salut"}}})
NAMES = said({"any": {"en": {"title": "T", "body": "{{ voucher.code }} {{ voucher.expires | default: 'for ever' }}"}}})
LONG = said({"any": {"en": {"body": "x" * 1_500}}, "inbox": {"en": {"body": "{{ traits.plan }}"}}})

_times = st.sampled_from([NOON, NIGHT, MORNING]) | st.datetimes(
    NOON.replace(tzinfo=None), (NOON + timedelta(days=9)).replace(tzinfo=None)
).map(lambda at: at.replace(tzinfo=NOON.tzinfo))
_policies = st.fixed_dictionaries(
    {
        "caps": st.lists(
            st.fixed_dictionaries(
                {"channel": st.sampled_from(["any", *CHANNELS]), "per": st.sampled_from(["day", "week", "month"]),
                 "most": st.integers(0, 2)}
            ),
            max_size=3, unique_by=lambda cap: (cap["channel"], cap["per"]),
        )
    },
    optional={
        "quiet": st.sampled_from([{"from": "21:00", "to": "09:00"}, {"from": "00:00", "to": "23:59"}]),
        "control_bps": st.sampled_from([0, 5_000]),
    },
)  # fmt: skip
_contacts = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["active", "active", "suspended"]),
        "email": st.sampled_from([None, "a@b.example"]),
        "locale": st.sampled_from([None, "en", "fr-CA", "xx"]),
        "time_zone": st.sampled_from([None, "Asia/Tokyo", "Nowhere/AtAll"]),
        "push": st.sampled_from([(), devices(0), devices(1, 40)]),
    }
)
_letters = st.lists(
    st.fixed_dictionaries(
        {
            "wording": st.sampled_from([PLAIN, NAMES, LONG]),
            "channels": st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=5, unique=True),
            "purpose": st.sampled_from(["marketing", "transactional"]),
            "arm": st.sampled_from(["treated", "treated", "holdout", "control"]),
            "quiet": st.sampled_from(["hold", "skip", "pass"]),
            "due_at": st.none() | _times,
            "expires_at": st.none() | _times,
            "voucher": st.none() | st.builds(lambda at: voucher(expires_at=at), st.none() | _times),
        }
    ),
    min_size=1,
    max_size=5,
)
_said = st.dictionaries(
    st.tuples(st.just(WHO), st.sampled_from(CHANNELS[:-1]), st.sampled_from(["marketing", "transactional"])),
    st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(terms=_policies, who=_contacts, given_letters=_letters, now=_times, says=_said, stopped=st.booleans())
def test_what_goes_out_was_allowed_in_time_whole_and_counted(
    terms: dict[str, Any], who: dict[str, Any], given_letters: list[dict[str, Any]], now: Any, says: Any, stopped: bool
) -> None:
    crypto.load_keys(Settings())
    holds = policy.parse(terms)
    here = World(
        now=now, policy=holds, caps=Caps(holds, now, {WHO: who["time_zone"]}), contacts={WHO: contact(**who)},
        said=Consents(says), opted_out={(b"index", "sms")} if stopped else frozenset(),
        windows={WHO: now + timedelta(hours=5)}, traits={WHO: {"plan": "gold"}},
    )  # fmt: skip

    counted: Counter[Any] = Counter()
    for facts in given_letters:
        one = letter(WHO, facts.pop("wording"), reference=ids.new(), **facts)
        decided = decide(here, one)

        if not isinstance(decided, Sent):
            assert decided.reasons
            continue
        is_marketing = one.purpose == "marketing"
        assert one.arm == "treated" or (one.arm == "control" and not is_marketing)
        assert not (is_marketing and who["status"] == "suspended")
        assert decided.channel == "inbox" or here.said.allow(WHO, channel=decided.channel, purpose=one.purpose)
        assert not (stopped and decided.channel == "sms")
        assert (
            max(now, one.due_at or now) <= decided.due_at < decided.expires_at <= decided.due_at + timedelta(hours=72)
        )
        assert one.expires_at is None or decided.expires_at <= one.expires_at
        assert one.voucher is None or one.voucher.expires_at is None or decided.expires_at <= one.voucher.expires_at
        assert bool(decided.addresses) == (decided.channel != "inbox")
        assert len(decided.item.body) <= LONGEST["inbox"]
        assert "links." not in str(decided.content)
        assert len({link.code for link in decided.links}) == len(decided.links)
        counted.update(decided.marks)
        assert is_marketing or not decided.marks
    most = {cap.name: cap.most for cap in holds.caps}
    assert all(number <= most[name] for (name, _), number in counted.items())
