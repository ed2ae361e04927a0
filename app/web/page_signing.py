"""Signing pages of ours for WeChat's JS-SDK (wx.config), for the till and the members' app."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from marshmallow import Schema, fields, validate

from app.core.errors import N_, Category, DomainError
from app.flows.people import staff_wechat
from app.web.context import current_context


class ForeignPage(DomainError):
    code = "foreign_page"
    category = Category.INVALID
    template = N_("Only pages of this address are signed.")


class PageAddress(Schema):
    url = fields.String(required=True, validate=validate.Length(1, 2000))


class PageSignature(Schema):
    app_id = fields.String(data_key="appId")
    timestamp = fields.Integer()
    nonce = fields.String(data_key="nonceStr")
    signature = fields.String()


def sign_our_page(url: str) -> dict[str, Any]:
    """What wx.config needs there.

    Raises:
        ForeignPage: The page is another site's.
    """
    context = current_context()
    asked, ours = urlsplit(url), urlsplit(context.settings.public_base_url)
    if (asked.scheme, asked.netloc) != (ours.scheme, ours.netloc):
        raise ForeignPage
    signed = staff_wechat.sign_page(context, url)
    return {
        "app_id": signed.appid,
        "timestamp": signed.timestamp,
        "nonce": signed.nonce,
        "signature": signed.signature,
    }
