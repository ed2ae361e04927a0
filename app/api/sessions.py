"""Signing members in and out."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from app.api import schemas
from app.api.blueprint import bp
from app.flows.people import signing_in
from app.web.auth import bearer_digest, member_required
from app.web.context import current_context
from app.web.limits import SIGN_IN, limited


@bp.post("/sessions")
@bp.doc(security=[])
@limited(SIGN_IN, by_address=True)
@bp.arguments(schemas.SignIn)
@bp.response(201, schemas.SignedIn)
def create_session(body: dict[str, Any]) -> dict[str, object]:
    """Exchange the code of wx.login for a bearer token."""
    member, opened = signing_in.sign_in_member(current_context(), body["code"])
    return {"access_token": opened.token, "expires_at": opened.expires_at, "member": member}


@bp.get("/sessions/official-account")
@bp.doc(security=[])
@limited(SIGN_IN, by_address=True)
@bp.arguments(schemas.Departure, location="query")
@bp.response(200, schemas.DepartureAddress)
def depart(query: dict[str, Any]) -> dict[str, str]:
    """Where a browser inside WeChat goes to be signed in. It brings back the state and a code."""
    return {"url": signing_in.member_departure(current_context(), **query)}


@bp.post("/sessions/official-account")
@bp.doc(security=[])
@limited(SIGN_IN, by_address=True)
@bp.arguments(schemas.SignIn)
@bp.response(201, schemas.SignedIn)
def create_session_in_browser(body: dict[str, Any]) -> dict[str, object]:
    """Exchange the code that WeChat's page gave the browser for a bearer token."""
    member, opened = signing_in.sign_in_by_official_account(current_context(), body["code"])
    return {"access_token": opened.token, "expires_at": opened.expires_at, "member": member}


@bp.delete("/sessions/current")
@member_required
@bp.response(204)
def end_session() -> ResponseReturnValue:
    """Revoke this token."""
    signing_in.sign_out(current_context(), bearer_digest())
    return ""
