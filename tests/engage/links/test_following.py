"""Short links: where they lead, whom they count, and what they keep to themselves."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import zxingcpp
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select, text

from core import clock, crypto, ids
from core.db import connection_of, transaction
from core.delivery.models import Message
from engage.links import codes, following, kept, work
from engage.links.kept import NewLink
from engage.links.models import TrackedLink
from tests.engage.conftest import Open, Scene, sent
from tests.engage.outgoing.posting import embedded, issued, letter, post

PERSON = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15"}
SHOP = "https://shop.example/autumn?a=1&b=2"


def kept_links() -> list[TrackedLink]:
    with transaction() as session:
        return list(session.scalars(select(TrackedLink).order_by(TrackedLink.position)))


def events(name: str) -> list[dict[str, Any]]:
    with transaction() as session:
        rows = connection_of(session).execute(
            "SELECT payload FROM core.event WHERE name = %s ORDER BY recorded_at, id", [name]
        )
        return [row[0] for row in rows]


def put(kind: str, target: str | None, *, customer_id: UUID | None = None, good_for: timedelta | None = None) -> str:
    """The code of a link that is written by hand."""
    link = NewLink(customer_id or ids.new(), ids.new(), 0, kind, target)
    made_at = clock.now() if good_for is None else clock.now() - kept.GOOD_FOR + good_for
    with transaction() as session:
        kept.put_all(session, [(link, ids.new())], now=made_at)
    return link.code


def followed(client: FlaskClient, code: str, **headers: str) -> Any:
    return client.get(f"/l/{code}", headers={**PERSON, **headers})


def test_an_address_in_a_message_is_a_short_link_that_leads_there(scene: Scene, open_for: Open) -> None:
    customer_id = scene.customer()
    written = letter(customer_id, {"sms": {"en": {"body": f"Look: {SHOP}"}}})
    [(_, [message_id])] = post(written, now=scene.now)

    [link] = kept_links()
    [(_, _, content)] = sent()
    assert content == {"body": f"Look: http://127.0.0.1:8000/l/{link.code}"}
    answer = followed(open_for(), link.code)

    assert (answer.status_code, answer.headers["Location"]) == (302, SHOP)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers
    assert (link.reference, link.message_id) == (written.reference, message_id)


def test_a_click_is_told_once_and_counted_each_time(scene: Scene, open_for: Open) -> None:
    customer_id = scene.customer()
    written = letter(customer_id, {"sms": {"en": {"body": f"Look: {SHOP}"}}})
    [(_, [message_id])] = post(written, now=scene.now)
    [link] = kept_links()

    for _ in range(3):
        followed(open_for(), link.code)

    assert [link.clicks for link in kept_links()] == [3]
    assert events("link.clicked") == [
        {"reference": str(written.reference), "message_id": str(message_id), "kind": "url", "position": 0}
    ]


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("HEAD", {}),
        ("GET", {"Purpose": "prefetch"}),
        ("GET", {"Sec-Purpose": "prefetch;prerender"}),
        ("GET", {"X-Purpose": "preview"}),
        ("GET", {"User-Agent": "WhatsApp/2.24.6.77 A"}),
        ("GET", {"User-Agent": "facebookexternalhit/1.1 Facebot Twitterbot/1.0"}),
        ("GET", {"User-Agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"}),
        ("GET", {"User-Agent": "TelegramBot (like TwitterBot)"}),
        ("GET", {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}),
        ("GET", {"User-Agent": ""}),
    ],
)
def test_previews_and_scanners_are_nobodys_click_and_see_no_code(
    scene: Scene, open_for: Open, method: str, headers: dict[str, str]
) -> None:
    customer_id = scene.customer()
    voucher = issued(scene.coupon(), customer_id, now=scene.now)
    plain, shown = put("url", SHOP), put("voucher", str(voucher.id), customer_id=customer_id)

    answers = [open_for().open(f"/l/{code}", method=method, headers={**PERSON, **headers}) for code in (plain, shown)]

    assert [answer.status_code for answer in answers] == [302, 200]
    assert voucher.code not in answers[1].text + answers[1].headers.get("Location", "")
    assert [link.clicks for link in kept_links()] == [0, 0]
    assert events("link.clicked") == []


@pytest.mark.parametrize("agent", ["Mozilla/5.0 (Linux; Android 14; CUBOT NOTE 50) Chrome/129", "okhttp/4.12.0"])
def test_telephones_and_the_brands_own_app_are_people(scene: Scene, open_for: Open, agent: str) -> None:
    code = put("url", SHOP)

    followed(open_for(), code, **{"User-Agent": agent})

    assert [link.clicks for link in kept_links()] == [1]


def test_a_vouchers_link_holds_its_id_alone_and_opens_its_code_at_the_click(scene: Scene, open_for: Open) -> None:
    customer_id = scene.customer()
    voucher = issued(scene.coupon(), customer_id, now=scene.now)
    post(letter(customer_id, {"sms": {"en": {"body": "{{ voucher.link }}"}}}, voucher=embedded(voucher)), now=scene.now)

    [link] = kept_links()
    answer = followed(open_for(), link.code)

    assert (link.kind, link.target) == ("voucher", str(voucher.id))
    assert voucher.code not in str(vars(link))
    assert answer.headers["Location"] == f"http://127.0.0.1:8000/c/{voucher.code}"


def test_a_vouchers_picture_is_its_qr(scene: Scene, open_for: Open) -> None:
    customer_id = scene.customer()
    voucher = issued(scene.coupon(), customer_id, now=scene.now)
    code = put("voucher", str(voucher.id), customer_id=customer_id)

    drawn = open_for().get(f"/v/{code}.png")

    assert (drawn.status_code, drawn.content_type, drawn.headers["Cache-Control"]) == (200, "image/png", "no-store")
    [read] = zxingcpp.read_barcodes(Image.open(io.BytesIO(drawn.data)))
    assert read.text == voucher.code
    assert kept_links()[0].clicks == 0
    assert open_for().get(f"/v/{put('url', SHOP)}.png").status_code == 404


def test_what_is_not_there_any_more_is_as_good_as_a_wrong_code(scene: Scene, open_for: Open) -> None:
    erased, other, client = scene.customer(), scene.customer(), open_for()
    voucher, theirs = (issued(scene.coupon(), customer, now=scene.now) for customer in (erased, other))
    gone = put("voucher", str(voucher.id), customer_id=erased)
    somebody_elses = put("voucher", str(theirs.id), customer_id=erased)
    with transaction() as session:
        crypto.destroy_data_key(session, erased)

    wrong = [gone, somebody_elses, put("open", None), "0" * 12, "short", "x" * 13, "{{code}}abcd"]
    answers = [followed(client, code) for code in wrong]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert client.get(f"/v/{gone}.png").status_code == client.get(f"/v/{somebody_elses}.png").status_code == 404


def test_a_link_leads_nowhere_after_its_time_and_is_swept_away(scene: Scene, open_for: Open) -> None:
    good, old = put("url", SHOP, good_for=timedelta(minutes=1)), put("url", SHOP, good_for=timedelta(0))

    assert [followed(open_for(), code).status_code for code in (good, old)] == [302, 404]
    work.forget_expired(clock.now())

    assert [link.code for link in kept_links()] == [good]


def test_a_mail_tells_that_it_was_opened_by_a_picture(scene: Scene, open_for: Open) -> None:
    customer_id = scene.customer()
    reference, message_id = ids.new(), _mail(scene, customer_id)
    link = NewLink(customer_id, reference, kept.OPEN_AT, "open", None)
    with transaction() as session:
        kept.put_all(session, [(link, message_id)], now=clock.now())
    client = open_for()

    client.head(f"/o/{link.code}.gif")
    assert events("message.opened") == []
    answers = [client.get(f"/o/{link.code}.gif") for _ in range(2)]

    assert [answer.data[:6] for answer in answers] == [b"GIF89a"] * 2
    [opened] = events("message.opened")
    assert (opened["message_id"], opened["channel"]) == (str(message_id), "email")
    assert events("link.clicked") == []
    with transaction() as session:
        message = session.scalars(select(Message)).one()
        assert (message.state, message.opened_at is not None) == ("delivered", True)
    assert client.get(f"/o/{put('url', SHOP)}.gif").status_code == 404


def _mail(scene: Scene, customer_id: UUID) -> UUID:
    from core.delivery import messages

    with transaction() as session:
        return messages.enqueue(
            session, customer_id=customer_id, channel="email", recipient="a@b.example",
            content={"subject": "s", "text": "t"}, purpose="transactional", due_at=scene.now, now=scene.now,
        )  # fmt: skip


def test_preferences_and_unsubscribing_are_short_links_too(scene: Scene, open_for: Open) -> None:
    customer_id = scene.customer()
    body = "{{ links.preferences }} {{ links.unsubscribe }}"
    post(letter(customer_id, {"sms": {"en": {"body": body}}}), now=scene.now)

    places = [followed(open_for(), link.code).headers["Location"] for link in kept_links()]

    assert [place.split("/")[3] for place in places] == ["p", "u"]


def test_codes_hang_on_their_letter_and_place_alone() -> None:
    one, other = ids.new(), ids.new()

    assert codes.of(one, 0) == codes.of(one, 0)
    assert len({codes.of(one, 0), codes.of(one, 1), codes.of(other, 0), codes.of(other, 1)}) == 4
    assert all(codes.CODE.match(codes.of(ids.new(), position)) for position in range(200))


def test_a_code_that_is_taken_is_never_given_to_somebody_else(scene: Scene) -> None:
    link = NewLink(ids.new(), ids.new(), 0, "url", SHOP)
    with transaction() as session:
        kept.put_all(session, [(link, None)], now=scene.now)

    with pytest.raises(Exception, match="pk_tracked_link"), transaction() as session:
        kept.put_all(session, [(link, None)], now=scene.now)


def test_no_link_stands_in_clear_text_of_a_voucher(scene: Scene) -> None:
    customer_id = scene.customer()
    voucher = issued(scene.coupon(), customer_id, now=scene.now)
    raw = {"sms": {"en": {"body": "{{ voucher.code }} {{ voucher.link }} {{ voucher.qr }}"}}}
    post(letter(customer_id, raw, voucher=embedded(voucher)), now=scene.now)

    with transaction() as session:
        rows = session.execute(
            text("SELECT l::text FROM engage.tracked_link l UNION SELECT m::text FROM core.message m")
        )
        assert not any(voucher.code in row[0] for row in rows)


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("https://shop.example/café?q=ü#ß", "https://shop.example/caf%C3%A9?q=%C3%BC#%C3%9F"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://shop.example/%2F?a=%26&b=//evil.example", "https://shop.example/%2F?a=%26&b=//evil.example"),
    ],
)
def test_an_address_is_led_to_as_it_was_written(scene: Scene, open_for: Open, target: str, location: str) -> None:
    assert followed(open_for(), put("url", target)).headers["Location"] == location


def test_clicks_at_one_moment_are_all_counted_and_told_once(scene: Scene) -> None:
    code = put("url", SHOP)

    def click(_: int) -> bool:
        with transaction() as session:
            return following.follow(session, code, now=clock.now()).is_first

    with ThreadPoolExecutor(8) as pool:
        firsts = list(pool.map(click, range(24)))

    assert (sum(firsts), kept_links()[0].clicks, len(events("link.clicked"))) == (1, 24, 1)


@pytest.mark.parametrize(
    "path", ["/l/%00", "/l/wrong", "/l/AAAAAAAAAAAAAAAA", "/c/%00", "/c/<script>", "/p/%00", "/p/x", "/u/%00"]
)
def test_link_that_leads_nowhere_ends_in_a_page(open_for: Open, path: str) -> None:
    answer = open_for().get(path)

    assert (answer.status_code, answer.content_type) == (404, "text/html; charset=utf-8")
    assert "This link does not work" in answer.text


def test_picture_that_is_not_there_is_a_problem_as_any_other(open_for: Open) -> None:
    answer = open_for().get("/o/wrong.gif")

    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
