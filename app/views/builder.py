"""Flask-AppBuilder, held to what we want of it: views and permissions under /console/, no more.

Left out are its security pages and JSON APIs, self-registration, rate limiter and JWT: each is a
route or a hook that nobody here calls. Nothing is asked of the database when the program starts.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, g, redirect, session
from flask.typing import ResponseReturnValue
from flask_appbuilder import AppBuilder, BaseView, expose
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_login import LoginManager
from sqlalchemy.orm import Session, scoped_session

from app.core.actor import Actor, Role
from app.views import roles
from app.views.people.login_steps import LoginSteps
from app.views.people.second_factors import OwnSecondFactor
from app.views.people.signing_in import LoginView, OwnPassword, load_user
from app.web.language import LOCALES, SESSION_KEY
from app.web.redirects import came_from


class LocaleView(BaseView):
    """The language switch; the choice is kept in the session."""

    route_base = "/console/lang"
    default_view = "index"

    @expose("/<any(zh_CN, en):locale>")
    def index(self, locale: str) -> ResponseReturnValue:
        assert locale in LOCALES
        session[SESSION_KEY] = locale
        return redirect(came_from())


class ConsoleSecurity(SecurityManager):
    """Who is signed in comes from our tokens, what they may do from ``roles``."""

    def create_login_manager(self, app: Flask) -> LoginManager:
        """Without its hook after each request: we set no cookie to remember anybody by."""
        manager = LoginManager()
        manager.request_loader(load_user)
        app.login_manager = manager  # type: ignore[attr-defined]
        return manager

    def create_limiter(self, app: Flask) -> None:
        """None: limits are ours, in PostgreSQL (web/limits)."""

    def create_jwt_manager(self, app: Flask) -> None:
        """None: tokens are ours."""

    def create_db(self) -> None:
        """Nothing at start: migrations make the tables, ``db prepare`` the roles."""

    def register_views(self) -> None:
        self.auth_view = LoginView()
        self.appbuilder.add_view_no_menu(self.auth_view)
        for view in (LoginSteps, OwnPassword, OwnSecondFactor):
            self.appbuilder.add_view_no_menu(view)

    @property
    def session(self) -> scoped_session[Session]:
        found: scoped_session[Session] = current_app.extensions["kaquan_security_session"]
        return found

    @staticmethod
    def before_request() -> None:
        """Nothing: the consoles' guard (views/guard) has looked already."""

    def has_access(self, permission_name: str, view_name: str) -> bool:
        actor: Actor | None = g.get("actor")
        return actor is not None and roles.allows(actor.role, permission_name, view_name)

    def get_user_menu_access(self, menu_names: list[str] | None = None) -> set[str]:
        return set()  # Our own menu (views/menu) is drawn from the same rights.

    def write_roles(self) -> None:
        """Make Flask-AppBuilder's tables say what ``roles`` declares, no more and no less."""
        wanted = {
            (permission, view): self.add_permission_view_menu(permission, view)
            for permission, view in sorted(roles.declared())
        }
        for role in Role:
            kept = self.find_role(role.name) or self.add_role(role.name)
            kept.permissions = [
                wanted[permission, view]
                for view, permissions in roles.RIGHTS[role].items()
                for permission in permissions
            ]
        self.session.commit()


class ConsoleBuilder(AppBuilder):  # type: ignore[misc]
    """One AppBuilder for all three consoles."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            base_template="console/base.html",
            security_manager_class=ConsoleSecurity,
            update_perms=False,
            **options,
        )

    def _add_admin_views(self) -> None:
        self._indexview = self.add_view_no_menu(self.indexview)
        self.bm.locale_view = LocaleView()
        self.add_view_no_menu(self.bm.locale_view)
        self.sm.register_views()

    def _add_global_static(self) -> None:
        """None of its pages is in use, so neither are its scripts and styles."""

    def _add_global_filters(self) -> None:
        """Ours are in views/cells."""
