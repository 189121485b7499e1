"""A payment's receipt, as a page and as a picture."""

from collections.abc import Iterator

from wallet.documents import parts, png, svg, wording
from wallet.documents.letterhead import Letterhead
from wallet.documents.pdf import Column, Document
from wallet.documents.wording import Wording
from wallet.receipts import Receipt


def as_svg(receipt: Receipt, words: Wording, letterhead: Letterhead) -> bytes:
    return svg.paint(parts.card(receipt, words, letterhead))


def as_png(receipt: Receipt, words: Wording, letterhead: Letterhead) -> bytes:
    return png.paint(parts.card(receipt, words, letterhead), more_fonts=letterhead.more_fonts)


def as_pdf(receipt: Receipt, words: Wording, letterhead: Letterhead) -> bytes:
    """Made of the payment and its refunds alone: the same bytes until the next refund."""
    last = max([receipt.paid_at, *(refund.refunded_at for refund in receipt.refunds)])
    document = Document(
        letterhead,
        title="Receipt",
        subtitle=words.minute(receipt.paid_at),
        footer=f"Payment {receipt.payment_id}",
        made_at=last,
    )
    document.facts(_facts(receipt, words))
    document.heading("How it was paid", words.money(receipt.amount, receipt.currency))
    document.picture(parts.bar(receipt, words))
    if receipt.refunds:
        document.heading("What has gone back", f"as of {words.minute(last)}")
        columns = [Column("Date", 3), Column("Reference", 5), Column(receipt.currency, 2, "R")]
        rest = words.number(receipt.amount - receipt.refunded, receipt.currency)
        document.table(columns, _refunds(receipt, words), totals=[["", "Paid after refunds", rest]])
    document.note(f"Times are those of {words.zone.key}.")
    return document.done()


def _facts(receipt: Receipt, words: Wording) -> list[tuple[str, str]]:
    facts = [("Paid to", receipt.merchant_name)]
    if receipt.store_name is not None:
        facts.append(("Store", receipt.store_name))
    facts += [("Amount", words.money(receipt.amount, receipt.currency)), ("Paid", words.minute(receipt.paid_at))]
    if receipt.tip:
        facts.append(("Of which tip", words.money(receipt.tip, receipt.currency)))
    if receipt.refunded:
        facts.append(("Refunded", words.money(receipt.refunded, receipt.currency)))
    if receipt.reference:
        facts.append(("Reference", wording.one_line(receipt.reference)))
    return facts


def _refunds(receipt: Receipt, words: Wording) -> Iterator[list[str]]:
    for refund in receipt.refunds:
        told = words.number(-refund.amount, receipt.currency)
        yield [words.minute(refund.refunded_at), refund.reference or "", told]
