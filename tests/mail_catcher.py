"""A mail server that keeps what it is given, for tests: SMTP over a real socket."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from config import SmtpSettings


@dataclass
class Catcher:
    """``refusal``: what it answers to a recipient instead of taking them."""

    settings: SmtpSettings
    caught: list[tuple[str, EmailMessage]] = field(default_factory=list)
    refusal: str = ""


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        catcher: Catcher = self.server.catcher  # type: ignore[attr-defined]
        self._say("220 catcher")
        recipient = ""
        while line := self.rfile.readline().decode().strip():
            verb = line.upper()
            if verb.startswith("RCPT"):
                recipient = line.partition("<")[2].partition(">")[0]
                self._say(catcher.refusal or "250 ok")
            elif verb == "DATA":
                self._say("354 go on")
                catcher.caught.append((recipient, self._message()))
                self._say("250 kept")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _message(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        return message_from_bytes(b"".join(lines), policy=policy.default)

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def mail_catcher() -> Iterator[Catcher]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Conversation) as server:
        server.daemon_threads = True
        port = server.server_address[1]
        smtp = SmtpSettings(
            host="127.0.0.1", port=port, tls="off", user="", password="", sender="kq@example.com"
        )
        server.catcher = Catcher(settings=smtp)  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.catcher  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()
