"""Liquid as messages are written in it: few words, bounded, and nothing that is missing passes for empty."""

import time

import pytest

from engage.templates import liquid, locales
from engage.templates.liquid import TELLER, Example, TemplateFailed

CONTEXT = {
    "voucher": {"code": "7KQ4"},
    "event": {"total_minor": 1250, "currency": "EUR", "at": "2026-11-22T23:30:00Z", "lines": [{"sku": "tea"}] * 500},
    "traits": {"plan": "gold", "nothing": None},
    TELLER: locales.teller("en-US", "America/New_York"),
}

#: Each took a machine down somewhere, or reaches for what is none of a message's business.
BOMBS = {
    "a case without a when (CVE-2026-55865)": "{% case voucher.code %}{% endcase %}" * 50,
    "a case that never ends": "{% case voucher.code %}",
    "replace in a chain": "{{ 'aaaa' | replace: 'a', 'aaaa' | replace: 'a', 'aaaa' }}",
    "a range joined": "{{ (1..999999999) | join }}",
    "a range told": "{{ (1..999999999) }}",
    "a loop": "{% for i in (1..999999999) %}x{% endfor %}",
    "a loop backwards": "{% for i in (1..999999999) reversed %}x{% endfor %}",
    "a table": "{% tablerow i in (1..999999999) %}x{% endtablerow %}",
    "a text that doubles": "{% assign a = 'xxxx' %}" + "{% assign a = a | append: a %}" * 60 + "{{ a }}",
    "a text of 100 KB": "{{ voucher.code }}" * 5_000,
    "brackets in brackets": "{{ event" + "[event" * 900 + "]" * 900 + " }}",
    "ifs in ifs": "{% if voucher.code %}" * 200 + "{% endif %}" * 200,
    "parentheses in parentheses": "{% if " + "(" * 500 + "voucher.code" + ")" * 500 + " %}x{% endif %}",
    "the class of a thing": "{{ voucher.__class__ }}",
    "the class of a text": "{{ ''.__class__.__mro__ }}",
    "what a class has made": "{{ voucher['__class__']['__init__']['__globals__'] }}",
    "another template": "{% render 'passwd' %}",
    "a file": "{% include '/etc/passwd' %}",
    "a macro": "{% macro x %}{% endmacro %}",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_no_template_costs_more_than_a_moment_or_tells_of_the_house(bomb: str) -> None:
    began = time.process_time()
    try:
        told = liquid.parse(bomb).render(CONTEXT)
    except TemplateFailed as failure:
        told = str(failure)
    assert time.process_time() - began < 1
    assert len(told) <= 100_000
    assert not any(word in told for word in ("<class", "root:", "function"))


@pytest.mark.parametrize("tag", ["for", "raw", "include"])
def test_tag_that_cannot_be_used_is_named_with_those_that_can(tag: str) -> None:
    with pytest.raises(TemplateFailed) as failed:
        liquid.parse(f"{{% {tag} x in y %}}")

    assert str(failed.value) == f"the tag {tag} cannot be used; these can: assign, case, comment, echo, if, unless"


def test_tag_that_stands_where_it_may_not_is_called_unexpected() -> None:
    with pytest.raises(TemplateFailed, match="unexpected tag 'else'"):
        liquid.parse("{% else %}")


def test_what_is_missing_is_never_told_as_nothing() -> None:
    with pytest.raises(TemplateFailed, match=r"traits.tier"):
        liquid.parse("Dear {{ traits.tier }} customer").render(CONTEXT)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{{ traits.tier | default: 'dear' }}", "dear"),
        ("{% if traits.tier %}a{% else %}b{% endif %}", "b"),
        ("{% if traits.plan == 'gold' %}a{% else %}b{% endif %}", "a"),
        ("{{ traits.nothing | default: 'none' }}", "none"),
        ("{{ event.lines[0].sku }}", "tea"),
        ("{% case traits.plan %}{% when 'gold' %}G{% else %}-{% endcase %}", "G"),
        ("  plain  ", "plain"),
    ],
)
def test_a_template_may_ask_before_it_tells(source: str, told: str) -> None:
    assert liquid.parse(source).render(CONTEXT) == told


@pytest.mark.parametrize(
    ("locale", "source", "told"),
    [
        ("en-US", "{{ event.total_minor | money: event.currency }}", "€12.50"),
        ("de", "{{ event.total_minor | money: event.currency }}", "12,50\N{NO-BREAK SPACE}€"),
        ("en-US", "{{ event.total_minor | money: 'JPY' }}", "¥1,250"),
        ("en-US", "{{ event.total_minor | money }}", "$12.50"),
        ("en-US", "{{ event.at | date }}", "Nov 22, 2026"),
        ("de", "{{ event.at | date }}", "22.11.2026"),
        ("en-GB", "{{ event.at | date: 'time' }}", "18:30"),
    ],
)
def test_money_and_days_are_told_as_the_reader_writes_them(locale: str, source: str, told: str) -> None:
    context = {**CONTEXT, TELLER: locales.teller(locale, "America/New_York")}

    assert liquid.parse(source).render(context) == told


def test_a_day_is_the_customers_own() -> None:
    source = liquid.parse("{{ event.at | date }}")

    assert source.render({**CONTEXT, TELLER: locales.teller("en", "Asia/Tokyo")}) == "Nov 23, 2026"
    assert source.render({**CONTEXT, TELLER: locales.teller("en", "Nowhere/AtAll")}) == "Nov 22, 2026"


@pytest.mark.parametrize(
    "source",
    [
        "{{ voucher.code | money }}",
        "{{ event.total_minor | money: 'XXX' }}",
        "{{ event.total_minor | money: 5 }}",
        "{{ 12.5 | money }}",
        "{{ true | money }}",
        "{{ 99999999999999999999 | money }}",
        "{{ voucher.code | date }}",
        "{{ event.total_minor | date }}",
        "{{ event.at | date: '%s%s%s%s' }}",
        "{{ '9999-12-31T23:59:59-23:59' | date }}",
        "{{ voucher | money }}",
    ],
)
def test_money_and_days_refuse_what_is_none(source: str) -> None:
    with pytest.raises(TemplateFailed):
        liquid.parse(source).render(CONTEXT)


def test_what_stands_in_html_is_escaped_and_what_stands_in_text_is_not() -> None:
    evil = {"event": {"name": '<script>alert("x")</script>'}}
    source = "{{ event.name }}"

    page = liquid.parse(f'<a title="{source}">{source}</a>', is_html=True).render(evil)

    assert "<script" not in page
    assert page.count("&lt;script") == 2
    assert '"x"' not in page
    assert liquid.parse(source).render(evil) == evil["event"]["name"]


def test_an_example_passes_every_filter_while_a_template_is_tried() -> None:
    given = {"event": {"a": Example("a"), "b": Example("b")}, TELLER: CONTEXT[TELLER]}

    assert liquid.parse("{{ event.a | money: event.b }} {{ event.a | date }}").render(given) == "$12.50 a"


def test_a_template_is_known_by_what_it_says() -> None:
    said = liquid.parse("{% if traits.plan %}{{ voucher.code | append: event.lines[0].sku }}{% endif %}").says

    assert said == {"traits.plan", "voucher.code", "event.lines.0.sku"}
    assert liquid.parse("{% assign x = voucher.code %}{{ x }}").says == {"voucher.code"}


def test_an_object_is_never_told_as_a_whole_nor_what_is_null() -> None:
    payload = liquid.grouped({"address": {"city": "York", "street": None}, "tags": ["a", {"b": 1}], "none": None})
    context = {"event": payload}

    assert liquid.parse("{{ event.address.city }} {{ event.tags[1].b }}").render(context) == "York 1"
    assert liquid.parse("{{ event.none | default: 'nothing' }}").render(context) == "nothing"
    whole = ["event", "event.address", "event.tags", "event.address | append: 'x'", "event.address | upcase"]
    for said in [*whole, "event.address.street", "event.none"]:
        with pytest.raises(TemplateFailed):
            liquid.parse(f"{{{{ {said} }}}}").render(context)
