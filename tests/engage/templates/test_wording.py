"""Wordings as staff write them: what is taken, what is refused and where, and which text is told."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.notes import Notes
from engage.templates import locales, variables, wording
from engage.templates.liquid import TELLER
from engage.templates.variables import Variables
from engage.templates.wording import Wording

ORDER = variables.of_event("order.completed")


def parsed(raw: Any, says: Variables = variables.ANY) -> Wording:
    notes = Notes()
    said = wording.parse(raw, notes, says)
    assert notes.errors == []
    return said


def faults(raw: Any, says: Variables = variables.ANY) -> dict[str, str]:
    notes = Notes()
    wording.parse(raw, notes, says)
    return {error["pointer"]: error["detail"] for error in notes.errors}


def sms(body: Any, **more: Any) -> dict[str, Any]:
    return {"default_locale": "en", "sms": {"en": {"body": body}}, **more}


def push(**text: Any) -> dict[str, Any]:
    return {"default_locale": "en", "push": {"en": {"title": "Hi", "body": "Hi", **text}}}


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        ([], ""),
        ({}, "/default_locale"),
        ({"default_locale": "en"}, ""),
        ({"default_locale": "english", "sms": {"en": {"body": "x"}}}, "/default_locale"),
        ({"default_locale": "fr", "sms": {"en": {"body": "x"}}}, "/sms/fr"),
        ({"default_locale": "en", "sms": {}}, "/sms"),
        ({"default_locale": "en", "sms": {"EN": {"body": "x"}}}, "/sms/EN"),
        ({"default_locale": "en", "fax": {"en": {"body": "x"}}}, "/fax"),
        (sms(""), "/sms/en/body"),
        (sms("x" * 2001), "/sms/en/body"),
        (sms(5), "/sms/en/body"),
        ({"default_locale": "en", "sms": {"en": {"body": "x", "title": "y"}}}, "/sms/en/title"),
        ({"default_locale": "en", "push": {"en": {"body": "x"}}}, "/push/en/title"),
        ({"default_locale": "en", "email": {"en": {"body": "x"}}}, "/email/en/subject"),
        (push(image="http://brand.example/a.png"), "/push/en/image"),
        (push(image=7), "/push/en/image"),
        (push(deep_link="javascript:alert(1)"), "/push/en/deep_link"),
        (push(deep_link="JavaScript:alert(1)"), "/push/en/deep_link"),
        (push(deep_link="//brand.example"), "/push/en/deep_link"),
        (push(deep_link="{{ event.link }}"), "/push/en/deep_link"),
        (push(actions=[{"id": "a", "title": "A"}] * 4), "/push/en/actions"),
        (push(actions=[{"id": "A b", "title": "A"}]), "/push/en/actions/0/id"),
        (push(actions=[{"id": "a", "title": "A", "link": "data:text/html,x"}]), "/push/en/actions/0/link"),
        (push(actions="x"), "/push/en/actions"),
        (sms("x", links={"shop": "http://shop.example"}), "/links/shop"),
        (sms("x", links={"shop": "https://"}), "/links/shop"),
        (sms("x", links={"shop": "https://a b"}), "/links/shop"),
        (sms("x", links={"shop": "https://{{ voucher.code }}.example"}), "/links/shop"),
        (sms("x", links={"shop": "https://somebody@a.example"}), "/links/shop"),
        (sms("x", links={"shop": "https://a.example:port"}), "/links/shop"),
        (sms("x", links={"Shop": "https://a.example"}), "/links/Shop"),
        (sms("x", links={"unsubscribe": "https://a.example"}), "/links/unsubscribe"),
        (sms("{{ links.shop }}"), "/sms/en/body"),
        (sms("{{ customer.phone }}"), "/sms/en/body"),
        (sms("{{ voucher.secret }}"), "/sms/en/body"),
        (sms("{{ told_by }}"), "/sms/en/body"),
        (sms("{{ event }}"), "/sms/en/body"),
        (sms("{% for x in (1..2) %}{% endfor %}"), "/sms/en/body"),
        (sms("{{ voucher.code | money }}"), "/sms/en/body"),
    ],
)
def test_each_fault_is_named_where_it_stands(raw: Any, pointer: str) -> None:
    assert pointer in faults(raw)


@pytest.mark.parametrize("subject", ["x\r\nBcc: a@b.example", "x\ny", "x\u2028y"])
def test_subjects_are_one_line_and_titles_as_their_authors_wrote_them(subject: str) -> None:
    mail = {"default_locale": "en", "email": {"en": {"subject": subject, "body": "Two\nlines"}}}

    assert faults(mail) == {"/email/en/subject": "Must be one line."}
    assert faults(push(title=subject)) == {}


def test_a_template_may_say_what_its_trigger_gives_and_nothing_else() -> None:
    assert faults(sms("{{ event.total_minor | money: event.currency }} {{ event.lines[0].sku }}"), ORDER) == {}

    told = faults(sms("{{ event.totl_minor }}"), ORDER)["/sms/en/body"]
    assert "event.totl_minor" in told
    assert "event.total_minor" in told
    assert (
        faults(
            sms("{{ event.lines }} {{ event.lines[0] }} {{ event.lines[1].sku }} {{ event.lines.first.sku }}"), ORDER
        )
        == {}
    )
    assert faults(sms("{{ event.anything.at_all }}"), variables.of_event("cart.abandoned")) == {}
    assert "/sms/en/body" in faults(sms("{{ event.total_minor }}"), variables.NO_EVENT)


def test_the_text_of_the_nearest_locale_is_told() -> None:
    said = parsed({
        "default_locale": "es",
        "push": {"es": {"title": "Hola", "body": "Hola"}, "fr": {"title": "Salut", "body": "Salut"}},
        "any": {"es": {"body": "todos"}},
    })  # fmt: skip

    told = {locale: said.render("push", locale, {}).body for locale in ("fr-CA", "es-MX", "de", None)}
    assert told == {"fr-CA": "Salut", "es-MX": "Hola", "de": "Hola", None: "Hola"}
    assert said.render("sms", "fr", {}).body == "todos"
    assert not said.says_voucher


def test_the_inbox_shows_its_own_text_or_what_was_sent() -> None:
    both = parsed({"default_locale": "en", "sms": {"en": {"body": "short"}}, "inbox": {"en": {"body": "long"}}})
    one = parsed(sms("short"))

    for said, body in ((both, "long"), (one, "short")):
        text = said.inbox_text("sms", "en")
        assert text is not None
        assert text.body.fixed == body
    assert one.text("push", "en") is None
    with pytest.raises(KeyError):
        one.render("push", "en", {})


def test_addresses_in_a_text_become_short_links() -> None:
    said = parsed(sms("Look: https://shop.example/a?b=1, or (https://shop.example/b). {{ links.c }}",
                      links={"c": "https://c.example"}))  # fmt: skip

    assert set(said.links.values()) == {"https://shop.example/a?b=1", "https://shop.example/b", "https://c.example"}
    short = {name: f"<{said.position_of(name)}>" for name in said.links}
    assert said.render("sms", "en", {"links": short}).body == "Look: <0>, or (<1>). <2>"


@pytest.mark.parametrize(
    "body",
    [
        "https://shop.example/{{ event.id }}",
        "https://{{ event.host }}/",
        "{{ 'https://shop.example/' | append: event.id }}",
        "http://shop.example/",
        "https://",
        "https://somebody@shop.example/",
        "https://[::1/",
        "https://shop.example:0/",
        "https://shop.example:99999/",
        "https://shop.example/\x01",
    ],
)
def test_an_address_that_is_not_whole_stays_what_it_is(body: str) -> None:
    said = parsed(sms(body))

    assert said.links == {}
    assert not any(name.startswith("links.") for name in said.says)


def test_in_html_what_is_clicked_is_followed_and_pictures_are_not() -> None:
    page = '<a href="https://shop.example/?a=1&amp;b=2">x</a> <img src="https://pics.example/a.png"> https://in.text'
    said = parsed({"default_locale": "en", "email": {"en": {"subject": "s", "body": "b", "html": page}}})

    assert list(said.links.values()) == ["https://shop.example/?a=1&b=2"]
    html = said.render("email", "en", {"links": {"_1": "https://b.example/l/0123456789"}}).html
    assert html is not None
    assert html.startswith('<a href="https://b.example/l/0123456789">')
    assert "https://pics.example/a.png" in html


def test_the_same_address_is_one_link_and_there_is_an_end_to_them() -> None:
    twice = parsed(sms("https://a.example https://a.example"))
    many = parsed(sms(" ".join(f"https://a.example/{number}" for number in range(60))))

    assert len(twice.links) == 1
    assert len(many.links) == 40


def test_rich_pushes_carry_picture_buttons_and_a_place_in_the_app() -> None:
    actions = [{"id": "open", "title": "Show {{ event.sku }}", "link": "brand://v"}, {"id": "later", "title": "Later"}]
    image, place = "https://pics.example/{{ event.sku }}.png", "brand://vouchers/{{ event.sku }}"
    said = parsed(push(image=image, deep_link=place, actions=actions))

    told = said.render("push", None, {"event": {"sku": "tea"}, TELLER: locales.teller(None, None)})

    assert (told.image, told.deep_link) == ("https://pics.example/tea.png", "brand://vouchers/tea")
    assert [(action.id, action.title, action.link) for action in told.actions] == [
        ("open", "Show tea", "brand://v"),
        ("later", "Later", None),
    ]


def test_a_whatsapp_template_has_its_variables_filled_in() -> None:
    text = {"body": "Hi", "content_sid": "HX1", "content_variables": {"1": "{{ voucher.code }}"}}
    said = parsed({"default_locale": "en", "whatsapp": {"en": text}})

    assert said.says_voucher
    told = said.render("whatsapp", None, {"voucher": {"code": "A-B"}})
    assert (told.content_sid, told.content_variables) == ("HX1", {"1": "A-B"})


@pytest.mark.parametrize(("number", "is_taken"), [(3_000, True), (3_001, False)])
def test_a_wording_holds_only_so_many_variables_and_tags(number: int, is_taken: bool) -> None:
    pages, left = {}, number
    while left:
        some = min(left, 1_000)
        locale, left = f"en-{len(pages):03}", left - some
        pages[locale] = {"subject": "s", "body": "b", "html": "{{brand.name}}" * some}
    raw = {"default_locale": "en-000", "email": pages}

    assert bool(faults(raw)) is not is_taken


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(["en", "{{ voucher.code }}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "default_locale",
                    "links",
                    "sms",
                    "push",
                    "email",
                    "any",
                    "whatsapp",
                    "en",
                    "fr",
                    "body",
                    "title",
                    "html",
                ]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(_JSON)
def test_any_json_is_taken_or_refused_and_never_raises(raw: Any) -> None:
    wording.parse(raw, Notes(), ORDER)
    wording.inline(raw, Notes(), ORDER, channels=("push",))


def test_what_the_first_release_published_is_still_understood() -> None:
    """Versions never change: what stands in them must be read for as long as somebody walks them."""
    title, sid = "x" * 2_000, "HX1"
    variables_ = {str(number): "{{ voucher.code }}" for number in range(100)}
    raw = {
        "title": title, "body": "{{ voucher.link }} {{ customer.locale }} http://a.example",
        "whatsapp": {"content_sid": sid, "content_variables": variables_},
    }  # fmt: skip
    notes = Notes()

    said = wording.inline(raw, notes, ORDER, channels=("push", "whatsapp"))

    assert notes.errors == []
    assert (said.has("sms"), said.says_voucher) == (True, True)
    context = {"voucher": {"code": "A", "link": "L"}, "customer": {"locale": ""}}
    told = said.render("whatsapp", "de", context)
    assert (told.body, told.content_sid, len(told.content_variables or {})) == ("L  http://a.example", sid, 100)
    assert said.render("push", "de", context).title == title
