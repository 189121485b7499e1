"""E-mail, over SMTP."""

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

from core.gateways import http
from core.gateways.outcomes import Accepted, Outcome, Refused, Retry, Unknown
from core.gateways.sandbox import Keep, SandboxMessage


@dataclass(frozen=True, slots=True)
class Email:
    """html: the same in HTML, which most readers show instead. unsubscribe_url: where one POST opts this reader out."""

    message_id: UUID
    to: str
    subject: str
    text: str
    html: str | None = None
    unsubscribe_url: str | None = None


class EmailGateway(Protocol):
    """Gives one e-mail to a server; never raises for what the server or the network does."""

    @property
    def name(self) -> str: ...

    def send(self, email: Email) -> Outcome: ...


class SmtpEmail:
    """One SMTP conversation a message. `smtps://` is TLS from the start; on `smtp://` STARTTLS is used when offered; a
    password goes to another machine under TLS only.

    url  smtp://user:password@host:587?from=hello@brand.example
    """

    def __init__(self, url: str, *, name: str = "smtp") -> None:
        """Raises ValueError when the address lacks a host or a `from`."""
        self.name = name
        parts = urlsplit(url)
        sender = parse_qs(parts.query).get("from", [""])[0]
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or "@" not in sender:
            raise ValueError("SMTP_URL must look like smtp://user:password@host:587?from=hello@brand.example")
        self._tls = parts.scheme == "smtps"
        self._host, self._port = parts.hostname, parts.port or (465 if self._tls else 587)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._from = sender
        self._is_near = http.is_loopback(url)

    def send(self, email: Email) -> Outcome:
        try:
            content = _content(email, sender=self._from)
        except Exception:
            # A line break in a header, which would begin another one; and the standard library's parser of headers ends
            # in errors of every kind on odd addresses (IndexError, HeaderParseError). Nothing has been sent to anybody.
            return Refused(code="email_malformed", permanent=True)
        try:
            server = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            return Retry(code=type(error).__name__)

        try:
            return self._sign_in(server) or self._hand_over(server, email, content)
        finally:
            server.close()

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self._tls:
            return smtplib.SMTP_SSL(self._host, self._port, timeout=http.TIMEOUT_SECONDS, context=context)
        server = smtplib.SMTP(self._host, self._port, timeout=http.TIMEOUT_SECONDS)
        server.ehlo_or_helo_if_needed()
        if server.has_extn("starttls"):
            server.starttls(context=context)
        return server

    def _sign_in(self, server: smtplib.SMTP) -> Outcome | None:
        """Why it was not let in, where a password is set: no text has left us yet, so nothing is in doubt."""
        if not self._user:
            return None
        if not self._is_near and not isinstance(server.sock, ssl.SSLSocket):
            # Whoever stands between can take STARTTLS out of what the server offers.
            return Refused(code="smtp_without_tls", permanent=False)
        try:
            server.login(self._user, self._password)
        except smtplib.SMTPAuthenticationError:
            return Refused(code="smtp_credentials", permanent=False)
        except smtplib.SMTPNotSupportedError:
            return Refused(code="smtp_without_sign_in", permanent=False)
        except (OSError, smtplib.SMTPException) as error:
            return Retry(code=type(error).__name__)
        return None

    def _hand_over(self, server: smtplib.SMTP, email: Email, content: EmailMessage) -> Outcome:
        """Until the text is handed over (DATA) nothing was taken; after it, only an answer tells."""
        try:
            server.send_message(content, from_addr=self._from, to_addrs=[email.to])
        except smtplib.SMTPRecipientsRefused as error:
            return _answered(next(iter(error.recipients.values()))[0])
        except smtplib.SMTPResponseException as error:
            return _answered(error.smtp_code)
        except smtplib.SMTPNotSupportedError:
            # An address beyond ASCII, and a server that knows none: said before the text is handed over.
            return Refused(code="smtp_without_utf8", permanent=True)
        except (OSError, smtplib.SMTPException) as error:
            return Unknown(reason=type(error).__name__)
        return Accepted(provider_message_id=str(content["Message-ID"]))


class SandboxEmail:
    """Keeps what it is given; nothing leaves the machine."""

    name = "sandbox"

    def __init__(self, keep: Keep) -> None:
        self._keep = keep

    def send(self, email: Email) -> Outcome:
        content = {"message_id": str(email.message_id), "subject": email.subject, "body": email.text}
        rich = {"html": email.html, "unsubscribe_url": email.unsubscribe_url}
        content |= {name: value for name, value in rich.items() if value}
        kept = SandboxMessage.of("email", email.to, content)
        self._keep(kept)
        return Accepted(provider_message_id=f"sandbox-{kept.id}")


def _answered(code: int) -> Outcome:
    if 400 <= code < 500:
        return Retry(code=f"smtp_{code}")
    # 530, 535 and their kin belong to the sign-in; 550 to 559 speak of this recipient or this text.
    return Refused(code=f"smtp_{code}", permanent=not 530 <= code < 540)


def _content(email: Email, *, sender: str) -> EmailMessage:
    content = EmailMessage()
    content["From"], content["To"], content["Subject"] = sender, email.to, email.subject
    # Ours, so that a server which sees the same message twice can tell.
    content["Message-ID"] = f"<{email.message_id}@{sender.rpartition('@')[2]}>"
    if email.unsubscribe_url:
        # RFC 8058: the reader's own mail program offers it beside the sender, and posts without asking further.
        content["List-Unsubscribe"] = f"<{email.unsubscribe_url}>"
        content["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    content.set_content(email.text)
    if email.html:
        content.add_alternative(email.html, subtype="html")
    # Some faults only show when it is written out, which the conversation would do halfway.
    content.as_bytes()
    return content
