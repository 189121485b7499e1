"""Plays a mail server: enough of SMTP (RFC 5321) for one conversation a message."""

import socketserver
import threading
from email import message_from_bytes
from email.message import Message


class Smtp:
    """`refuse_recipient` answers RCPT with that code; `drop_after_data` takes the text and closes without an answer."""

    def __init__(self, *, refuse_recipient: int = 0, drop_after_data: bool = False) -> None:
        self.refuse_recipient = refuse_recipient
        self.drop_after_data = drop_after_data
        self.taken: list[Message] = []
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
        def handle(self) -> None:
            self._say("220 mail.example")
            while line := self.rfile.readline():
                verb = line[:4].upper()
                if verb == b"RCPT" and server.refuse_recipient:
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

        def _say(self, line: str) -> None:
            self.wfile.write(line.encode() + b"\r\n")

    return Handler
