"""A message that WeChat did not take is sent once more when its cause is mended."""

from __future__ import annotations

import pytest

from app.core.actor import SYSTEM
from app.services.messaging.notices import NoticeNotRefused, send_again


def test_a_refused_message_is_sent_again_and_only_while_it_is_refused(world, shop):
    """Here the member was not known in the mini-program when the message was due."""
    member, client = world.rich(shop, 100_00)
    _known_in(world, member, "wx-elsewhere")
    agreed = client.post("/api/v1/me/notices", {"kinds": ["paid"]}, key="")
    assert agreed.status_code == 200
    body = {"pay_point": shop.pay_point.token, "amount_fen": 7_00}
    assert client.post("/api/v1/payments", body).status_code == 201
    world.jobs.run()
    assert _notices(world, member) == [("refused", 1, "no_openid")]
    _known_in(world, member, world.context.settings.wechat.mini_appid)
    _send_again(world, member)
    world.jobs.run()
    assert _notices(world, member) == [("sent", 2, "")]
    with pytest.raises(NoticeNotRefused):
        _send_again(world, member)
    told = world.rows(
        "SELECT detail FROM audit_record WHERE action = 'notice.send_again' AND member_id = :id",
        id=member.id,
    )
    assert told == [({"reason": "no_openid"},)]
    left = world.rows("SELECT remaining FROM notice_consent WHERE member_id = :id", id=member.id)
    assert left == [(0,)]


def _known_in(world, member, appid):
    world.by_superuser(
        "UPDATE member_identity SET appid = %s WHERE member_id = %s", appid, member.id
    )


def _notices(world, member):
    found = "SELECT status, tries, reason FROM notice WHERE member_id = :id"
    return world.rows(found, id=member.id)


def _send_again(world, member):
    [(notice_id,)] = world.rows("SELECT id FROM notice WHERE member_id = :id", id=member.id)
    with world.database.unit_of_work(SYSTEM) as session:
        send_again(session, notice_id=notice_id, actor=SYSTEM)
