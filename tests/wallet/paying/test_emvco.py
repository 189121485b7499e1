"""The code that a merchant presents: what is written is read back, and nothing else is."""

import io
from dataclasses import replace
from uuid import UUID

import pytest
import zxingcpp
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from core import ids
from core.errors import Refusal
from core.web import pictures
from wallet.paying import emvco, tlv
from wallet.paying.currencies import NUMERIC
from wallet.paying.emvco import MerchantCode
from wallet.paying.errors import CodeCurrencyUnknown, CodeDamaged, CodeForeign, CodeUnreadable

GUID = "com.example.pay"
STORE = UUID("01900000-0000-7000-8000-000000000001")
STATIC = MerchantCode(
    guid=GUID, store_id=STORE, merchant_name="Corner Shop", city="New York", country="US", currency="USD"
)
DYNAMIC = replace(
    STATIC, store_id=None, request_id=STORE, amount_minor=1250, asks_for_tip=True, bill_number="B-7",
    store_label="Main Street", reference_label="till 4/17", terminal_label="till 4",
)  # fmt: skip

names = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=15)


@st.composite
def codes(draw: st.DrawFn) -> MerchantCode:
    currency = draw(st.sampled_from(sorted(NUMERIC)))
    is_dynamic = draw(st.booleans())
    return MerchantCode(
        guid=GUID,
        store_id=None if is_dynamic else draw(st.uuids()),
        request_id=draw(st.uuids()) if is_dynamic else None,
        merchant_name=draw(names),
        city=draw(names),
        country="US",
        currency=currency,
        category=f"{draw(st.integers(0, 9999)):04}",
        amount_minor=draw(st.none() | st.integers(1, emvco.largest_amount(currency))),
        asks_for_tip=draw(st.booleans()),
        **{label: draw(st.none() | names) for label in ("bill_number", "store_label", "reference_label")},
        terminal_label=draw(st.none() | names),
    )


def test_check_sum_is_the_standards() -> None:
    assert tlv.check_sum("123456789") == 0x29B1
    # A code printed in EMVCo's own specification, by its check sum.
    printed = (
        "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN5914BEST TRANSPORT"
        "6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***0708A60086670902ME91320016"
        "A0112233449988770708123456786304"
    )
    assert f"{tlv.check_sum(printed):04X}" == "A13A"


def test_static_code_says_the_store_and_nothing_of_an_amount() -> None:
    text = emvco.encode(STATIC)

    assert text.startswith("000201010211")
    assert "5303840" in text
    assert "54" not in text[12:16]
    assert emvco.decode(text, guid=GUID) == STATIC


def test_dynamic_code_says_the_basket() -> None:
    text = emvco.encode(DYNAMIC)

    assert text.startswith("000201010212")
    assert "540512.50" in text
    assert emvco.decode(text, guid=GUID) == DYNAMIC
    assert DYNAMIC.is_dynamic


def test_codes_picture_can_be_read_by_any_scanner() -> None:
    text = emvco.encode(DYNAMIC)

    [seen] = zxingcpp.read_barcodes(Image.open(io.BytesIO(pictures.qr_png(text))))

    assert seen.text == text


@given(codes())
def test_whatever_is_written_is_read_back(code: MerchantCode) -> None:
    text = emvco.encode(code)

    assert len(text) <= tlv.MAX_LENGTH
    assert emvco.decode(text, guid=GUID) == code


@given(st.text(max_size=600) | st.binary(max_size=600).map(lambda raw: raw.decode("latin1")))
@example("000201")
@example("6304FFFF")
@example("00020163041D3D")
def test_no_text_does_anything_but_be_refused(text: str) -> None:
    with pytest.raises(Refusal):
        emvco.decode(text, guid=GUID)


@given(codes(), st.data())
def test_one_changed_character_is_noticed(code: MerchantCode, data: st.DataObject) -> None:
    text = emvco.encode(code)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(min_codepoint=32, max_codepoint=126).filter(lambda letter: letter != text[place]))

    with pytest.raises((CodeDamaged, CodeUnreadable)):
        emvco.decode(text[:place] + other + text[place + 1 :], guid=GUID)


def with_sum(text: str) -> str:
    return f"{text}6304{tlv.check_sum(f'{text}6304'):04X}"


def body(code: MerchantCode = DYNAMIC) -> str:
    return emvco.encode(code)[:-8]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not a code",
        with_sum(body())[:-1],  # cut off
        with_sum(body() + "8001"),  # a length without its value
        with_sum(body() + "8000"),  # nothing in it
        with_sum(body() + "5802US"),  # twice
        with_sum(body().replace("000201", "000202", 1)),  # another version of the format
        with_sum(body()[6:] + "000201"),  # the format not first
        body() + f"6304{tlv.check_sum(body() + '6304'):04X}" + "8001X",  # the check sum not last
        with_sum(body().replace("010212", "010213", 1)),  # neither static nor dynamic
        with_sum(body().replace("5802US", "")),  # no country
        with_sum(body().replace(STORE.hex, STORE.hex.upper().replace("1", "Z"))),  # no id
        with_sum(body().replace("540512.50", "540512.5A")),
        with_sum(body().replace("540512.50", "5406012.50".replace("012.50", "12.500"))),  # more decimals than it has
        with_sum(body().replace("540512.50", "54040.00")),
        with_sum(body().replace("540512.50", "5405-2.50")),
        with_sum(body().replace("540512.50", "5405١2.50")),  # a digit of another script
        with_sum(body() + "8099" + "x" * 99 + "8199" + "x" * 99 + "8299" + "x" * 99 + "8399" + "x" * 99),  # too long
    ],
)
def test_what_is_not_of_the_standards_form_is_unreadable(text: str) -> None:
    with pytest.raises(CodeUnreadable):
        emvco.decode(text, guid=GUID)


def test_wrong_check_sum_is_told_apart() -> None:
    text = emvco.encode(STATIC)

    with pytest.raises(CodeDamaged):
        emvco.decode(text[:-4] + f"{(int(text[-4:], 16) + 1) % 65536:04X}", guid=GUID)


def test_code_of_another_scheme_is_foreign() -> None:
    with pytest.raises(CodeForeign):
        emvco.decode(emvco.encode(STATIC), guid="org.other.pay")


def test_our_account_is_found_among_those_of_other_schemes() -> None:
    ours = body()[12 : body().index("5204")]
    others = "2620" + "0016com.example.othe" + "2704free"

    found = emvco.decode(with_sum(body().replace(ours, others + "30" + ours[2:])), guid=GUID)

    assert found.request_id == STORE


def test_currency_that_the_wallet_does_not_hold_is_refused() -> None:
    with pytest.raises(CodeCurrencyUnknown):
        emvco.decode(with_sum(body().replace("5303840", "5303999")), guid=GUID)


@pytest.mark.parametrize(
    ("currency", "amount_minor", "shown"),
    [("USD", 1, "0.01"), ("JPY", 1250, "1250"), ("KWD", 1250, "1.250"), ("USD", 10**12 - 1, "9999999999.99")],
)
def test_amounts_are_written_with_the_currencys_decimals(currency: str, amount_minor: int, shown: str) -> None:
    code = replace(DYNAMIC, currency=currency, amount_minor=amount_minor)

    assert f"54{len(shown):02}{shown}" in emvco.encode(code)
    assert emvco.decode(emvco.encode(code), guid=GUID).amount_minor == amount_minor
    with pytest.raises(ValueError, match="cannot say"):
        emvco.encode(replace(code, amount_minor=emvco.largest_amount(currency) + 1))


@pytest.mark.parametrize(
    ("name", "shown"), [("Café Crème", "Cafe Creme"), ("最佳运输", "????"), ("x" * 26, "x" * 25), ("\u0301", "-")]
)
def test_names_are_written_so_that_every_scanner_shows_them(name: str, shown: str) -> None:
    assert emvco.decode(emvco.encode(replace(STATIC, merchant_name=name)), guid=GUID).merchant_name == shown


@pytest.mark.parametrize("named", [{"store_id": None}, {"request_id": ids.new()}])
def test_code_names_one_thing(named: dict[str, UUID | None]) -> None:
    with pytest.raises(ValueError, match="either"):
        emvco.encode(replace(STATIC, **named))
