"""Plays a mail server: enough of SMTP (RFC 5321, 3207, 4954) for one conversation a message."""

import base64
import socketserver
import ssl
import threading
from email import message_from_bytes
from email.message import Message


class Smtp:
    """`refuse_recipient` answers RCPT with that code; `drop_after_data` takes the text and closes without an answer.

    tls        offers STARTTLS by this context
    passwords  lets in only who gives one of these, by user, and under TLS only
    """

    def __init__(
        self,
        *,
        refuse_recipient: int = 0,
        drop_after_data: bool = False,
        tls: ssl.SSLContext | None = None,
        passwords: dict[str, str] | None = None,
    ) -> None:
        self.refuse_recipient = refuse_recipient
        self.drop_after_data = drop_after_data
        self.tls = tls
        self.passwords = passwords
        self.taken: list[Message] = []
        self.said_in_the_clear: list[bytes] = []
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self._server.server_address[1]}?from=hello@brand.example"

    def __enter__(self) -> "Smtp":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(server: Smtp) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        is_secret, is_in = False, server.passwords is None

        def handle(self) -> None:
            self._say("220 mail.example")
            while line := self.rfile.readline():
                verb = line[:4].upper()
                if not self.is_secret:
                    server.said_in_the_clear.append(line)
                if verb == b"EHLO":
                    self._greet()
                elif verb == b"STAR" and server.tls:
                    self._say("220 go on")
                    self._begin_tls(server.tls)
                elif verb == b"AUTH":
                    self._let_in(line)
                elif verb in (b"MAIL", b"RCPT", b"DATA") and not self.is_in:
                    self._say("530 who are you")
                elif verb == b"RCPT" and server.refuse_recipient:
                    self._say(f"{server.refuse_recipient} no such person")
                elif verb == b"DATA":
                    self._say("354 go on")
                    server.taken.append(message_from_bytes(b"".join(iter(self.rfile.readline, b".\r\n"))))
                    if server.drop_after_data:
                        return
                    self._say("250 taken")
                elif verb == b"QUIT":
                    self._say("221 bye")
                    return
                else:
                    self._say("250 ok")

        def _greet(self) -> None:
            offers = ["mail.example"]
            offers += ["STARTTLS"] if server.tls and not self.is_secret else []
            offers += ["AUTH PLAIN"] if server.passwords and self.is_secret else []
            for place, offer in enumerate(offers):
                self._say(f"250{' ' if place == len(offers) - 1 else '-'}{offer}")

        def _begin_tls(self, context: ssl.SSLContext) -> None:
            self.connection = context.wrap_socket(self.connection, server_side=True)
            self.setup_files()
            self.is_secret = True

        def setup_files(self) -> None:
            self.rfile = self.connection.makefile("rb", -1)
            self.wfile = socketserver._SocketWriter(self.connection)  # type: ignore[attr-defined]

        def _let_in(self, line: bytes) -> None:
            _, user, password = base64.b64decode(line.split()[2]).decode().split("\0")
            self.is_in = self.is_secret and (server.passwords or {}).get(user) == password
            self._say("235 welcome" if self.is_in else "535 no")

        def _say(self, line: str) -> None:
            self.wfile.write(line.encode() + b"\r\n")

    return Handler
