"""The consoles of platform, merchant and store: one Flask-AppBuilder, one menu, roles decide."""

from __future__ import annotations

from flask import Flask

from app.views.builder import ConsoleBuilder
from app.views.choices import Choices
from app.views.dashboard import Dashboard
from app.views.exports import Exports
from app.views.guard import register_guard
from app.views.listing import LISTS
from app.views.messaging.notices import NoticeDesk
from app.views.messaging.oa_replies import ReplyDesk
from app.views.messaging.official_account import AccountDesk
from app.views.pages import PAGES
from app.views.people.own_wechat import OwnWeChat
from app.views.people.staff_desk import SecondFactorDesk, StaffDesk
from app.views.publishing.content_views import CONTENT
from app.views.publishing.search_words import SearchWords
from app.views.publishing.traffic import Traffic
from app.views.reports import Reports
from app.views.sales.payment_desk import PAYMENT_CARE
from app.views.saved_reports import SavedReports
from app.views.search import Search
from app.views.sessions import reader_session, security_session
from app.views.settlement.reconciling import RECONCILING
from app.views.settlement.settlement_desk import SETTLEMENT
from app.views.tenants.merchants import MerchantDesk
from app.views.tenants.pay_points import PayPointDesk
from app.views.tenants.store_days import StoreDays
from app.views.tenants.stores import StoreDesk
from app.views.tills.till_devices import TillDevices
from app.views.vouchers.paper import PAPER
from app.views.vouchers.print_files import PrintFileDesk
from app.views.vouchers.printing import PrintDesk
from app.web.context import current_context
from app.web.language import register_language

DESKS = (MerchantDesk, StoreDesk, StoreDays, PayPointDesk, StaffDesk, SecondFactorDesk, NoticeDesk)


def register_consoles(app: Flask) -> None:
    """Everything under /console/, and /login/ and /logout/."""
    app.config.update(
        APP_NAME="卡券通",
        LANGUAGES={
            "zh_CN": {"flag": "cn", "name": "中文"},
            "en": {"flag": "gb", "name": "English"},
        },
        BABEL_DEFAULT_LOCALE="zh_CN",
        FAB_ADD_SECURITY_VIEWS=False,
        FAB_ADD_SECURITY_API=False,
        FAB_ADD_OPENAPI_VIEWS=False,
        FAB_ADD_MENU_API=False,
        FAB_API_SWAGGER_UI=False,
        FAB_UPDATE_PERMS=False,
        AUTH_USER_REGISTRATION=False,
        SESSION_PROTECTION=None,  # Sessions are on the server; a phone may change its address.
    )
    with app.app_context():
        database = current_context().database
        app.extensions["kaquan_security_session"] = security_session(app, database)
        register_guard(app)
        builder = ConsoleBuilder(indexview=Dashboard)
        builder.init_app(app, reader_session(app, database))
        money = (*SETTLEMENT, *RECONCILING, *PAYMENT_CARE)
        readers = (Traffic, SearchWords, AccountDesk, ReplyDesk)
        mine = (PrintDesk, PrintFileDesk, TillDevices, OwnWeChat, Search, Choices, Exports)
        reports = (Reports, SavedReports)
        for view in (*LISTS, *PAGES, *DESKS, *PAPER, *CONTENT, *readers, *money, *mine, *reports):
            builder.add_view_no_menu(view)
    # Flask-AppBuilder has brought a Babel of its own, and the last one is the one. Ours looks for
    # texts in Flask-AppBuilder's directory, too (it has added it), and in translations/ after it.
    register_language(app)


def need_consoles(app: Flask) -> None:
    """The consoles for a command that writes what they show. Commands start without them."""
    if "appbuilder" not in app.extensions:
        register_consoles(app)


def write_roles(app: Flask) -> None:
    """What ``views/roles`` declares, into Flask-AppBuilder's tables. Part of ``db prepare``."""
    with app.app_context():
        app.extensions["appbuilder"].sm.write_roles()
