"""How a code reaches a telephone: as a text message or by WhatsApp."""

from typing import Any

from core.settings import Settings

SMS, WHATSAPP = "sms", "whatsapp"
CHANNELS = (SMS, WHATSAPP)


def usable(wanted: str | None, settings: Settings) -> str:
    """The channel that a code takes: the one wanted where it is set up, else a text message."""
    is_ready = bool(settings.twilio_whatsapp_from) or not settings.is_production
    return WHATSAPP if wanted == WHATSAPP and is_ready else SMS


def content(channel: str, otp: str, settings: Settings) -> dict[str, Any]:
    """What a message with a code says. WhatsApp lets businesses write first in approved templates only, so that its
    code goes by one of those where OTP_WHATSAPP_TEMPLATE names it."""
    if channel == WHATSAPP and settings.otp_whatsapp_template:
        return {"content_sid": settings.otp_whatsapp_template, "content_variables": {"1": otp}}
    return {"body": f"{otp} is your {settings.brand_name} code. It works for 5 minutes. Tell it to nobody."}
