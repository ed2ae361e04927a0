"""Every console route, as every role and as a stranger, against the one declaration of rights."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from werkzeug.routing import Rule

from app.core.actor import PLATFORM_ROLES, SYSTEM, Role
from app.core.clock import local_day, utc_now
from app.models.contents import ContentKind
from app.models.tenants import Merchant
from app.services.publishing.content_words import Words
from app.services.publishing.contents import create_content, plan_content
from app.services.publishing.media import DrawnPicture, add_media, new_key
from app.services.tenants.store_days import SpecialDay, add_special_day
from app.views import roles
from app.views.consoles import write_roles
from app.views.menu import MENU
from tests.trade import Trade

# What it takes to open a route, where that is not told by the name of its method.
OPEN = {"LoginView.login", "LoginView.logout", "LocaleView.index"} | {
    f"LoginSteps.{step}" for step in ("code", "password", "enrolment")
}
PERMISSIONS = {
    **dict.fromkeys(("totals", "find", "rows", "file", "again", "delete"), "can_list"),
    **dict.fromkeys(("figures", "preview", "proof"), "can_show"),
    "content": "can_download",
}
# Rights that widen what a route gives, and are no route of their own.
WIDER = {("can_phones", "Exports")}
STORE_ROLES = {Role.store_manager, Role.cashier}


def console_rules(app: Flask) -> list[Rule]:
    return [
        rule
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(("/console", "/login", "/logout"))
    ]


def needed(rule: Rule) -> tuple[str, str]:
    view, _, method = rule.endpoint.partition(".")
    return PERMISSIONS.get(method, f"can_{method}"), view


@pytest.fixture(scope="module")
def one_of_each(make):
    """Somebody of every role, the merchant's all at one merchant."""
    store = make.store()
    make.pay_point(store)
    merchant_of = {"merchant": make.merchant()}
    people = {}
    for role in Role:
        if role in PLATFORM_ROLES:
            people[role] = make.staff(role)
        elif role in STORE_ROLES:
            people[role] = make.staff(role, store)
        else:
            people[role] = make.staff(role, merchant=merchant_of["merchant"])
    return people


def address(rule: Rule, **values: object) -> str:
    given = {"pk": 2**60, "locale": "en", **values}
    with_values = {name: given[name] for name in rule.arguments}
    built = rule.build(with_values, append_unknown=False)
    assert built is not None
    return built[1]


def test_all_of_flask_appbuilder_is_under_console(app):
    console = {name.split(".")[0] for name in (r.endpoint for r in console_rules(app))}
    mine = {type(view).__name__ for view in app.extensions["appbuilder"].baseviews}
    assert console == mine
    paths = {r.rule for r in app.url_map.iter_rules() if r.endpoint.split(".")[0] in mine}
    assert all(p.startswith(("/console/", "/login/", "/logout/")) for p in paths)


def test_every_route_has_a_declared_right_and_every_right_a_route(app):
    routes = {needed(rule) for rule in console_rules(app) if rule.endpoint not in OPEN}
    assert routes == roles.declared() - WIDER


def test_every_link_of_the_menu_needs_a_declared_right():
    linked = {(item.permission, item.view) for group in MENU for item in group.items}
    assert linked <= roles.declared()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_stranger_is_sent_to_sign_in(app, method):
    for rule in console_rules(app):
        if rule.endpoint in OPEN:
            continue
        answer = app.test_client().open(address(rule), method=method)
        if method == "GET":
            assert answer.status_code == 302, rule.rule
            assert answer.location.startswith("/login/?next="), rule.rule
        else:
            assert answer.status_code == 400, rule.rule  # Without a token, whoever it is.


@pytest.mark.parametrize("role", list(Role))
def test_a_role_opens_what_is_declared_for_it_and_nothing_else(app, one_of_each, signed_in, role):
    browser = signed_in(one_of_each[role])
    for rule in console_rules(app):
        if rule.endpoint in OPEN or "GET" not in rule.methods:
            continue
        answer = browser.get(address(rule))
        if rule.endpoint == "Dashboard.show" and not roles.allows(role, *needed(rule)):
            assert answer.status_code == 302, rule.rule  # The consoles' own address leads on.
            assert browser.get(answer.location).status_code == 200, answer.location
        elif not roles.allows(role, *needed(rule)):
            assert answer.status_code == 403, rule.rule
        elif "pk" in rule.arguments:
            assert answer.status_code == 404, rule.rule
        else:
            assert answer.status_code == 200, rule.rule


@pytest.mark.parametrize("role", list(Role))
def test_a_role_posts_where_it_may_and_nowhere_else(app, one_of_each, signed_in, role):
    browser = signed_in(one_of_each[role])
    for rule in console_rules(app):
        if rule.endpoint in OPEN or "POST" not in rule.methods:
            continue
        answer = browser.post(address(rule), form="/console/password/")
        allowed = roles.allows(role, *needed(rule))
        assert (answer.status_code != 403) == allowed, rule.rule


@pytest.mark.parametrize("role", list(Role))
def test_nothing_is_posted_where_only_reading_is_declared(app, one_of_each, signed_in, role):
    browser = signed_in(one_of_each[role])
    for rule in console_rules(app):
        if rule.endpoint in OPEN or "POST" in rule.methods:
            continue
        answer = browser.post(address(rule), form="/console/password/")
        assert answer.status_code == 405, rule.rule


def test_a_post_without_the_forms_token_is_refused(app, one_of_each, signed_in):
    browser = signed_in(one_of_each[Role.platform_admin])
    for rule in console_rules(app):
        if "POST" in rule.methods:
            assert browser.client.post(address(rule), data={}).status_code == 400, rule.rule


@pytest.mark.parametrize("role", [Role.merchant_admin, Role.merchant_finance, Role.store_manager])
def test_another_tenants_records_are_not_there(app, make, signed_in, database, role):
    make.store()  # So that the first record of anything is a third one's.
    own, other = make.store(), make.store()
    theirs = make.staff(Role.store_manager, other)
    member = make.member()
    program = make.program(issuer=make.merchant(), accepted_by=[])
    ids = {
        "Merchants": other.merchant_id,
        "Stores": other.id,
        "PayPoints": make.pay_point(other).id,
        "People": theirs.id,
        "Members": member.id,
        "Programs": program.id,
        "Cards": make.card(member, program, principal_fen=1_00).id,
        **dict.fromkeys(("Batches", "BatchDesk", "Choices"), make.batch(issuer=make.merchant()).id),
        "MerchantDesk": other.merchant_id,
        "StoreDesk": other.id,
        "PayPointDesk": make.pay_point(other).id,
        "StaffDesk": theirs.id,
        "SecondFactorDesk": theirs.id,
        **dict.fromkeys(("Statements", "StatementDesk"), _statement(make)),
        **dict.fromkeys(("Contents", "ContentDesk", "ContentVersions"), _content(database, other)),
        "MediaDesk": _picture(database, other),
        "StoreDays": other.id,
    }
    ids_by_endpoint = {
        "PayPointDesk.add": other.id,
        "StoreDays.drop": _special_day(database, other),
    }
    person = (
        make.staff(role, own)
        if role in STORE_ROLES
        else make.staff(role, merchant=_merchant(database, own.merchant_id))
    )
    browser = signed_in(person)
    for rule in console_rules(app):
        if "pk" not in rule.arguments:
            continue
        view = rule.endpoint.split(".")[0]
        path = address(rule, pk=ids_by_endpoint.get(rule.endpoint, ids.get(view, 1)))
        if "GET" in rule.methods:
            assert browser.get(path).status_code in {403, 404}, rule.rule
        if "POST" in rule.methods:
            fields = {"reason": "x", "name": "x"}
            posted = browser.post(path, fields, form="/console/password/")
            assert posted.status_code in {403, 404}, rule.rule
    listed = browser.get("/console/staff/list/")
    assert listed.status_code in {200, 403}
    rows = re.sub(r"<[^>]+>", " ", listed.text.partition("<tbody>")[2].partition("</tbody>")[0])
    assert theirs.name not in rows.split()


def _statement(make):
    trade = Trade(make)
    trade.everything()
    trade.close()
    return trade.statements(trade.two)[0].id


def _content(database, store):
    """Something that another merchant has published."""
    with database.unit_of_work(SYSTEM) as session:
        made = create_content(
            session, merchant_id=store.merchant_id, kind=ContentKind.goods,
            words=Words(title="别家的商品"), actor=SYSTEM,
        )  # fmt: skip
        plan_content(session, item_id=made.id, publish_at=None, withdraw_at=None, actor=SYSTEM,
                     now=utc_now())  # fmt: skip
        return made.id


def _picture(database, store):
    picture = DrawnPicture(
        key=new_key(), name="别家的图片", extension="jpg", width=9, height=9, byte_count=9
    )
    with database.unit_of_work(SYSTEM) as session:
        return add_media(
            session, merchant_id=store.merchant_id, picture=picture, alt="", actor=SYSTEM
        ).id


def _special_day(database, store):
    tomorrow = local_day(utc_now()) + timedelta(days=1)
    with database.unit_of_work(SYSTEM) as session:
        return add_special_day(
            session, store_id=store.id, day=SpecialDay(first_on=tomorrow, last_on=tomorrow),
            actor=SYSTEM, now=utc_now(),
        ).id  # fmt: skip


def _merchant(database, merchant_id):
    with database.unit_of_work(SYSTEM) as session:
        return session.get_one(Merchant, merchant_id)


def test_the_declaration_is_written_into_flask_appbuilders_tables(app, database):
    for _ in range(2):  # A second time changes nothing.
        write_roles(app)
        with app.app_context():
            manager = app.extensions["appbuilder"].sm
            for role in Role:
                kept = manager.get_db_role_permissions(manager.find_role(role.name).id)
                written = {(p.permission.name, p.view_menu.name) for p in kept}
                declared = {(p, v) for v, ps in roles.RIGHTS[role].items() for p in ps}
                assert written == declared
