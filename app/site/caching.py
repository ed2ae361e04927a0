"""Public pages may be kept: a minute unasked, and when asked as long as they have not changed.

A page that carries what is only this visitor's (a flash message, a form's token) is none of them.
"""

from __future__ import annotations

from flask import Response, make_response, request

_SECONDS = 60


def keep_private(page: str) -> Response:
    """A page whose address is worth money: kept by no cache, named to no site that it leads to."""
    answer = make_response(page)
    answer.cache_control.no_store = True
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer


def may_be_kept(page: str | Response) -> Response:
    """With an ETag of its content; 304 when the visitor has it already."""
    answer = make_response(page)
    answer.cache_control.public = True
    answer.cache_control.max_age = _SECONDS
    answer.add_etag()
    return answer.make_conditional(request)
