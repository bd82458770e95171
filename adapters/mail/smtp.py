"""Out over SMTP: one connection for each message, and what its failures mean."""

from __future__ import annotations

import ssl

import aiosmtplib

from adapters.mail.settings import MailSettings
from chatops.ports import Impossible, TryLater


class Smtp:
    """Hands messages to the server that sends for us."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    async def send(self, message: bytes, to: str) -> None:
        """Raises TryLater (also where it is unknown whether the server took it) or Impossible."""
        settings = self._settings
        context = None if settings.smtp_tls == "none" else ssl.create_default_context(cafile=settings.ca_file)
        try:
            await aiosmtplib.send(
                message,
                sender=settings.address,
                recipients=[to],
                hostname=settings.smtp_host,
                port=settings.smtp_port,
                use_tls=settings.smtp_tls == "tls",
                start_tls=settings.smtp_tls == "starttls",
                tls_context=context,
                username=settings.login if settings.password else None,
                password=settings.password,
                timeout=settings.timeout,
            )
        except aiosmtplib.SMTPRecipientsRefused as no:
            raise _refused(no.recipients[0].code) from None
        except aiosmtplib.SMTPAuthenticationError:
            raise TryLater("smtp-login", counts=False) from None
        except aiosmtplib.SMTPResponseException as no:
            raise _refused(no.code) from None
        except (TimeoutError, aiosmtplib.SMTPException, OSError) as problem:
            raise TryLater(f"smtp-{type(problem).__name__}") from None


def _refused(code: int) -> TryLater | Impossible:
    """RFC 5321, 4.2.1: 5yz is for good."""
    return Impossible(f"smtp-{code}") if code >= 500 else TryLater(f"smtp-{code}")
