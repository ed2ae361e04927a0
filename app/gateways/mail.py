"""Mail by the operator's own SMTP server. Nothing is sent where none is set up."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage

from app.services.ports import GatewayRefused, GatewayUnavailable
from config import SmtpSettings

_SECONDS = 20.0


def send_mail(smtp: SmtpSettings, *, to: str, subject: str, text: str) -> None:
    """Hand one plain message to the server.

    Raises:
        GatewayRefused: The server will not take it for this address, now or later.
        GatewayUnavailable: It may take it another time.
    """
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = smtp.sender, to, subject
    message.set_content(text)
    try:
        with _connect(smtp) as server:
            if smtp.tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if smtp.user:
                server.login(smtp.user, smtp.password)
            server.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        code = next(iter(error.recipients.values()))[0]
        if code >= 500:
            raise GatewayRefused(str(code), "recipient") from error
        raise GatewayUnavailable(f"recipient {code}") from error
    except smtplib.SMTPResponseException as error:
        raise GatewayUnavailable(f"{type(error).__name__} {error.smtp_code}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise GatewayUnavailable(type(error).__name__) from error


def _connect(smtp: SmtpSettings) -> smtplib.SMTP:
    if smtp.tls == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(smtp.host, smtp.port, timeout=_SECONDS, context=context)
    return smtplib.SMTP(smtp.host, smtp.port, timeout=_SECONDS)
