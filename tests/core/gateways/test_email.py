"""The SMTP adapter against a loopback mail server."""

import pytest

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
