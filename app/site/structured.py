"""What pages are about, in schema.org's words, for search engines (JSON-LD)."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.core.clock import rfc3339
from app.queries.publishing.contents import ContentSeen
from app.queries.tenants.store_pages import StorePage
from app.web.context import current_context

_CONTEXT = "https://schema.org"
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def absolute(path: str) -> str:
    """The public address of one of our paths."""
    return current_context().settings.public_base_url.rstrip("/") + path


def article_data(item: ContentSeen) -> dict[str, Any]:
    return {
        "@context": _CONTEXT,
        "@type": "Article",
        "headline": item.title,
        "description": item.summary,
        "datePublished": rfc3339(item.published_at),
        "dateModified": rfc3339(item.updated_at),
        "publisher": {"@type": "Organization", "name": item.merchant},
        **_image(item),
    }


def goods_data(item: ContentSeen) -> dict[str, Any]:
    offer = (
        {}
        if item.price_fen is None
        else {
            "offers": {
                "@type": "Offer",
                "price": f"{item.price_fen // 100}.{item.price_fen % 100:02d}",
                "priceCurrency": "CNY",
                "seller": {"@type": "Organization", "name": item.merchant},
            }
        }
    )
    return {
        "@context": _CONTEXT,
        "@type": "Product",
        "name": item.title,
        "description": item.summary,
        **_image(item),
        **offer,
    }


def store_data(store: StorePage, own: ContentSeen | None) -> dict[str, Any]:
    place = (
        {}
        if store.lat is None or store.lng is None
        else {"geo": {"@type": "GeoCoordinates", "latitude": store.lat, "longitude": store.lng}}
    )
    return {
        "@context": _CONTEXT,
        "@type": "LocalBusiness",
        "name": store.name,
        "telephone": store.phone,
        "address": {
            "@type": "PostalAddress",
            "addressLocality": store.city,
            "streetAddress": store.address,
            "addressCountry": "CN",
        },
        "openingHoursSpecification": _hours(store),
        "url": absolute(url_for("site_stores.show_store", store_id=store.id)),
        **place,
        **(_image(own) if own else {}),
    }


def _hours(store: StorePage) -> list[dict[str, Any]]:
    """Weekly hours and special days; closed is from midnight to midnight, as engines want it."""
    weekly = [
        {
            "@type": "OpeningHoursSpecification",
            "dayOfWeek": [_DAYS[int(day) - 1] for day in days],
            "opens": opens,
            "closes": closes,
        }
        for days, opens, closes in store.hours
    ]
    special = [
        {
            "@type": "OpeningHoursSpecification",
            "validFrom": day.first_on.isoformat(),
            "validThrough": day.last_on.isoformat(),
            "opens": day.opens_at.strftime("%H:%M") if day.opens_at else "00:00",
            "closes": day.closes_at.strftime("%H:%M") if day.closes_at else "00:00",
        }
        for day in store.special_days
    ]
    return [*weekly, *special]


def _image(item: ContentSeen) -> dict[str, str | list[str]]:
    shown = item.pictures or ([item.cover] if item.cover else [])
    addresses = [
        absolute(url_for("site_media.show_picture", key=one.key, name="1280.webp")) for one in shown
    ]
    if not addresses:
        return {}
    return {"image": addresses if len(addresses) > 1 else addresses[0]}
