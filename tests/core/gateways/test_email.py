"""The SMTP adapter against a loopback mail server."""

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core import ids
from core.gateways import http
from core.gateways.email import Email, SmtpEmail
from core.gateways.outcomes import Accepted, Refused, Retry, Unknown
from tests.standins.smtp import Smtp


def an_email() -> Email:
    return Email(message_id=ids.new(), to="ana@example.com", subject="A gift", text="Your coffee waits: Zürich")


def test_accepted_email_is_named_by_our_id() -> None:
    email = an_email()

    with Smtp() as server:
        outcome = SmtpEmail(server.url).send(email)

    assert outcome == Accepted(provider_message_id=f"<{email.message_id}@brand.example>")
    (taken,) = server.taken
    assert (taken["From"], taken["To"], taken["Subject"]) == ("hello@brand.example", "ana@example.com", "A gift")
    assert taken.get_payload(decode=True).decode().strip() == email.text


def test_unknown_recipient_is_refused_for_good_and_a_full_one_may_be_retried() -> None:
    with Smtp(refuse_recipient=550) as server:
        assert SmtpEmail(server.url).send(an_email()) == Refused("smtp_550", permanent=True)
    with Smtp(refuse_recipient=452) as server:
        assert SmtpEmail(server.url).send(an_email()) == Retry("smtp_452")


def test_lost_reply_after_the_text_is_unknown() -> None:
    with Smtp(drop_after_data=True) as server:
        assert isinstance(SmtpEmail(server.url).send(an_email()), Unknown)


def test_refused_connection_may_be_retried() -> None:
    with Smtp() as server:
        gone = server.url

    assert isinstance(SmtpEmail(gone).send(an_email()), Retry)


def test_password_is_not_told_to_another_machine_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    # Every server that a test can ask is this machine's own, so it is called another.
    monkeypatch.setattr(http, "is_loopback", lambda url: False)

    with Smtp() as server:
        outcome = SmtpEmail(server.url.replace("://", "://ana:secret@")).send(an_email())

    assert outcome == Refused("smtp_without_tls", permanent=False)
    assert server.taken == []


def test_sign_in_that_fails_puts_nothing_in_doubt() -> None:
    with Smtp() as server:
        outcome = SmtpEmail(server.url.replace("://", "://ana:secret@")).send(an_email())

    assert outcome == Refused("smtp_without_sign_in", permanent=False)
    assert server.taken == []


def test_address_without_a_sender_is_told_in_one_line() -> None:
    with pytest.raises(ValueError, match="SMTP_URL must look like"):
        SmtpEmail("smtp://mail.example")


def test_rich_email_has_both_texts_and_one_click_unsubscribing() -> None:
    rich = replace(
        an_email(), html="<p>Your coffee waits: <b>Zürich</b></p>", unsubscribe_url="https://brand.example/u/x"
    )

    with Smtp() as server:
        assert isinstance(SmtpEmail(server.url).send(rich), Accepted)

    (taken,) = server.taken
    assert (taken["List-Unsubscribe"], taken["List-Unsubscribe-Post"]) == (
        "<https://brand.example/u/x>",
        "List-Unsubscribe=One-Click",
    )
    assert [part.get_content_type() for part in taken.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    parts = [part.get_payload(decode=True) for part in taken.walk() if not part.is_multipart()]
    assert [part.decode().strip() for part in parts] == [rich.text, rich.html]


@pytest.mark.parametrize("field", ["subject", "to", "unsubscribe_url"])
def test_line_break_cannot_begin_a_header_of_its_own(field: str) -> None:
    with Smtp() as server:
        outcome = SmtpEmail(server.url).send(replace(an_email(), **{field: "a@b.example\nBcc: all@brand.example"}))

    assert outcome == Refused("email_malformed", permanent=True)
    assert server.taken == []


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's certificate for 127.0.0.1, which this process trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    in_file = tmp_path / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    in_file.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(in_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(in_file)
    return context


def test_password_goes_under_tls_and_lets_in(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "is_loopback", lambda url: False)

    with Smtp(tls=tls, passwords={"ana": "secret"}) as server:
        right = SmtpEmail(server.url.replace("://", "://ana:secret@")).send(an_email())
        wrong = SmtpEmail(server.url.replace("://", "://ana:guessed@")).send(an_email())
        without = SmtpEmail(server.url).send(an_email())

    assert isinstance(right, Accepted)
    assert wrong == Refused("smtp_credentials", permanent=False)
    assert without == Refused("smtp_530", permanent=False)
    assert len(server.taken) == 1
    assert not [line for line in server.said_in_the_clear if line.startswith((b"AUTH", b"MAIL"))]


def test_second_server_has_a_name_of_its_own() -> None:
    assert SmtpEmail("smtp://mail.example?from=hello@brand.example", name="smtp_second").name == "smtp_second"


@pytest.mark.parametrize("to", ["a@[", "=?utf-8?q?=0a?=@example.com", "ana@example.com\nBcc: eve@example.com"])
def test_address_that_no_header_can_hold_is_refused_before_anybody_is_asked(to: str) -> None:
    with Smtp() as server:
        outcome = SmtpEmail(server.url).send(replace(an_email(), to=to))

    assert outcome == Refused("email_malformed", permanent=True)
    assert server.taken == []


def test_address_beyond_ascii_is_refused_by_a_server_that_knows_none_and_puts_nothing_in_doubt() -> None:
    with Smtp() as server:
        outcome = SmtpEmail(server.url).send(replace(an_email(), to="zoë@example.com"))

    assert outcome == Refused("smtp_without_utf8", permanent=True)
    assert server.taken == []
