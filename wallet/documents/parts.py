"""The picture of a payment's parts: one bar, a piece for each source as wide as its share, what went back hatched."""

from collections.abc import Sequence

from wallet.documents import wording
from wallet.documents.letterhead import GREY, HAIRLINE, INK, WHITE, Colour, Letterhead
from wallet.documents.picture import Box, Label, Picture
from wallet.documents.wording import Wording
from wallet.receipts import Part, Receipt

#: Each stands out from white (at least 4.5 to 1) and from the others, also for who sees no red or no green; besides,
#: the pieces stand in the order of their names below the bar.
COLOURS: dict[str, Colour] = {
    "cash": (11, 92, 173),
    "gift_card": (176, 88, 0),
    "points": (0, 120, 92),
    "promotional": (161, 51, 128),
    "coupon": (84, 92, 108),
    "other": (60, 60, 60),
}
NAMES = {
    "cash": "Cash",
    "gift_card": "Gift card",
    "points": "Points",
    "promotional": "Promotional value",
    "coupon": "Coupon",
    "other": "Other",
}

WIDTH = 640.0
_BAR, _GAP, _LEAST, _VISIBLE, _ROW, _PAD = 46.0, 3.0, 8.0, 0.5, 27.0, 36.0


def bar(receipt: Receipt, words: Wording) -> Picture:
    """The bar with its legend."""
    picture = Picture(WIDTH, description=described(receipt, words))
    picture.height = _draw(picture, receipt, words, top=0, left=0, width=WIDTH)
    return picture


def card(receipt: Receipt, words: Wording, letterhead: Letterhead) -> Picture:
    """A whole receipt as one picture, for an app to show or to share."""
    picture = Picture(WIDTH, description=described(receipt, words))
    ink, right = letterhead.ink_on_colour, WIDTH - _PAD
    picture.boxes.append(Box(0, 0, WIDTH, 76, letterhead.colour))
    picture.labels += [
        Label(_PAD, 48, _short(letterhead.brand_name, 30), 26, ink, is_bold=True),
        Label(right, 46, "Receipt", 17, ink, align="R"),
        Label(_PAD, 124, _short(receipt.merchant_name, 28), 22, INK, is_bold=True),
        Label(right, 124, words.money(receipt.amount, receipt.currency), 26, INK, is_bold=True, align="R"),
    ]
    where = [] if receipt.store_name is None else [_short(receipt.store_name, 40)]
    picture.labels.append(Label(_PAD, 150, " · ".join([*where, words.minute(receipt.paid_at)]), 14.5, GREY))
    y = _draw(picture, receipt, words, top=176, left=_PAD, width=WIDTH - 2 * _PAD)
    for told, amount, is_bold in _sums(receipt, words):
        y += 26
        colour = INK if is_bold else GREY
        picture.labels.append(Label(_PAD, y, told, 14.5, colour, is_bold=is_bold))
        picture.labels.append(Label(right, y, amount, 14.5, colour, is_bold=is_bold, align="R"))
    if receipt.reference:
        y += 26
        picture.labels.append(Label(_PAD, y, _short(receipt.reference, 70), 13, GREY))
    picture.labels.append(Label(_PAD, y + 30, f"Payment {receipt.payment_id}", 11.5, GREY))
    picture.height = y + 54
    return picture


def described(receipt: Receipt, words: Wording) -> str:
    """The picture in words: "Payment of $9.00 to Corner Shop: Gift card $5.00, Cash $4.00 ($1.00 refunded)"."""
    given = []
    for part in receipt.parts:
        back = f" ({words.money(part.refunded, receipt.currency)} refunded)" if part.refunded else ""
        given.append(f"{name_of(part, words)} {words.money(part.amount, receipt.currency)}{back}")
    whole, merchant = words.money(receipt.amount, receipt.currency), wording.one_line(receipt.merchant_name)
    return f"Payment of {whole} to {merchant}: {', '.join(given)}"


def name_of(part: Part, words: Wording) -> str:
    """Its kind; points with how many there were."""
    if part.points is None:
        return NAMES[part.kind]
    return f"{NAMES[part.kind]} ({words.number(part.points, 'PTS')})"


def _draw(picture: Picture, receipt: Receipt, words: Wording, *, top: float, left: float, width: float) -> float:
    """The bar and its legend; returns where they end."""
    x = left
    for part, piece in zip(receipt.parts, _widths([part.amount for part in receipt.parts], width), strict=True):
        back = piece * part.refunded / part.amount
        colour = COLOURS[part.kind]
        if piece - back >= _VISIBLE:
            picture.boxes.append(Box(x, top, piece - back, _BAR, colour))
        if back >= _VISIBLE:
            hatched = Box(x + piece - back, top, back, _BAR, _paler(colour))
            picture.boxes.append(hatched)
            picture.hatch(hatched, every=9, width=2, colour=colour)
        x += piece + _GAP

    y = top + _BAR + 8
    for part in receipt.parts:
        y += _ROW
        picture.boxes.append(Box(left, y - 13, 15, 15, COLOURS[part.kind]))
        picture.labels.append(Label(left + 25, y, name_of(part, words), 15, INK))
        amount = words.money(part.amount, receipt.currency)
        picture.labels.append(Label(left + width, y, amount, 15, INK, is_bold=True, align="R"))
        if part.refunded:
            told = f"refunded {words.money(part.refunded, receipt.currency)}"
            key = Box(left + width * 0.48, y - 13, 15, 15, _paler(COLOURS[part.kind]))
            picture.boxes.append(key)
            picture.hatch(key, every=6, width=1.6, colour=COLOURS[part.kind])
            picture.labels.append(Label(left + width * 0.48 + 23, y, told, 13.5, GREY))
    y += 14
    picture.boxes.append(Box(left, y, width, 1, HAIRLINE))
    return y


def _sums(receipt: Receipt, words: Wording) -> list[tuple[str, str, bool]]:
    """What stands below the parts: the tip within, each refund, and what is left of the payment after them."""
    currency = receipt.currency
    sums = [("Of which tip", words.money(receipt.tip, currency), False)] if receipt.tip else []
    for refund in receipt.refunds[-_SHOWN_REFUNDS:]:
        sums.append((f"Refunded {words.day(refund.refunded_at)}", words.money(-refund.amount, currency), False))
    if receipt.refunds:
        sums.append(("Paid after refunds", words.money(receipt.amount - receipt.refunded, currency), True))
    return sums


#: A picture has no pages: of more refunds it shows the latest, and the sum holds all.
_SHOWN_REFUNDS = 8


def _widths(amounts: Sequence[int], width: float) -> list[float]:
    """In proportion, but each wide enough to be seen: what that takes is taken from the others."""
    free = width - _GAP * (len(amounts) - 1)
    least = min(_LEAST, free / len(amounts)) if amounts else 0.0
    spare = free - least * len(amounts)
    whole = sum(amounts)
    return [least + spare * amount / whole for amount in amounts]


def _paler(colour: Colour) -> Colour:
    red, green, blue = (round(part + (light - part) * 0.78) for part, light in zip(colour, WHITE, strict=True))
    return red, green, blue


def _short(text: str, letters: int) -> str:
    text = wording.one_line(text)
    return text if len(text) <= letters else text[: letters - 1].rstrip() + "…"
