"""A batch's way to the print shop, at the console: two people, once, and nothing half done."""

from __future__ import annotations

import hashlib
import re

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.core import codes
from app.core.actor import SYSTEM, Role
from app.core.clock import utc_now
from app.flows.vouchers import printing
from app.jobs.queue import TASK_OF_TOPIC
from app.models.print_files import PrintFileStatus
from app.models.tenants import Merchant
from app.models.vouchers import BatchStatus
from app.services.vouchers import (
    batches,
    print_files,
    print_releases,
    voucher_chunks,
    voucher_sales,
)
from tests.documents.papers import render, scan, text_of
from tests.views.printing.print_runs import (
    ask,
    audited,
    chunks_left,
    decide,
    download,
    newest,
    on_disk,
    released,
    status_of,
)


def test_a_file_is_asked_for_made_released_taken_and_destroyed(context, browsers, batch):
    asker, checker = browsers
    assert ask(asker, batch).status_code == 302
    file = newest(context, batch)
    assert file.status is PrintFileStatus.requested
    with context.database.unit_of_work(SYSTEM) as session:
        waiting = session.execute(
            text("SELECT topic FROM outbox_message WHERE subject_id = :id AND topic = :topic"),
            {"id": file.id, "topic": print_files.TOPIC},
        ).scalar_one()
    assert TASK_OF_TOPIC[waiting] == "make_print_file"

    printing.make_print_file(context, file.id)
    file = newest(context, batch)
    assert file.status is PrintFileStatus.sealed
    assert (file.rows_done, file.row_count) == (10, 10)
    assert download(asker, file, batch).status_code == 409  # Not released yet.
    assert decide(asker, file, "release").status_code == 422  # Not by whoever asked.
    assert decide(checker, file, "release").status_code == 302
    assert download(checker, file, batch).status_code == 403  # Only whoever asked takes it.

    answer = download(asker, file, batch)
    assert answer.status_code == 200
    assert hashlib.sha256(answer.data).digest() == file.sha256
    assert len(answer.data) == file.byte_count == answer.content_length
    assert f"batch-{batch.batch_no}.pdf" in answer.headers["Content-Disposition"]
    assert download(asker, file, batch).data == answer.data  # A broken one may be repeated.

    assert decide(asker, file, "acknowledge").status_code == 302
    file = newest(context, batch)
    assert (file.status, file.sealed_key) == (PrintFileStatus.shredded, None)
    assert f"{file.run}.sealed" not in on_disk(context)
    assert chunks_left(context, batch) == 0
    assert status_of(context, batch) is BatchStatus.printed
    refused = download(asker, file, batch)
    assert refused.status_code == 409
    assert "已取走并销毁" in refused.text
    assert ask(asker, batch).status_code == 422

    records = audited(context, file)
    assert [record.action.partition(".")[2] for record in records] == [
        *("requested", "sealed", "released", "taken", "downloaded", "downloaded", "shredded")
    ]
    assert {record.detail["rows"] for record in records} == {10}
    assert {record.detail.get("sha256") for record in records[1:]} == {file.sha256.hex()}
    code = codes.grouped(codes.normalise(scan(render(answer.data))[0]))
    assert not any(code in str(r.detail) for r in records)


def test_a_code_read_from_the_paper_is_redeemed_at_a_till(app, make, context, browsers):
    store = make.store(name="川味小馆春熙路店")
    with context.database.unit_of_work(SYSTEM) as session:
        owner = session.get_one(Merchant, store.merchant_id)
    made = make.batch(issuer=owner, quantity=9, face_value_fen=50_00)
    with context.database.unit_of_work(SYSTEM) as session:
        batches.generate_vouchers(session, batch_id=made.id, keys=context.keys, actor=SYSTEM)
    file = released(context, browsers, made)
    document = download(browsers[0], file, made).data
    assert "川味小馆春熙路店" in text_of(document)
    read = scan(render(document))[0]
    assert read.startswith(context.settings.public_base_url + "/v/")
    with context.database.unit_of_work(SYSTEM) as session:
        voucher_sales.activate_vouchers(
            session, batch_id=made.id, serials=None, actor=SYSTEM, now=utc_now()
        )
    till = app.test_client()
    token = {"Authorization": f"Bearer {make.staff_token(make.staff(Role.cashier, store))}"}
    first, second = (
        till.post(
            "/pos/api/redemptions",
            json={"code": read},
            headers={**token, "Idempotency-Key": f"print-{made.id}-{n}"},
        )
        for n in range(2)
    )
    assert (first.status_code, first.json["face_value_fen"]) == (201, 50_00)
    assert (second.status_code, second.json["code"]) == (409, "voucher_already_redeemed")


@pytest.mark.parametrize("wanted", ["csv", "xlsx", "png"])
def test_the_other_formats_are_taken_out_in_the_same_way(context, browsers, batch, wanted):
    file = released(context, browsers, batch, format=wanted)
    answer = download(browsers[0], file, batch)
    assert hashlib.sha256(answer.data).digest() == file.sha256
    assert file.row_count == 10
    start = {"csv": b"\xef\xbb\xbf", "xlsx": b"PK", "png": b"PK"}[wanted]
    assert answer.data.startswith(start)


def test_what_was_delivered_is_destroyed_after_the_window(context, browsers, batch):
    file = released(context, browsers, batch)
    answer = download(browsers[0], file, batch)
    assert answer.data
    printing.shred_delivered(context)
    assert newest(context, batch).status is PrintFileStatus.taken
    with context.database.unit_of_work(SYSTEM) as session:
        later = utc_now() + print_releases.DOWNLOAD_WINDOW
        assert print_releases.shred_due_files(session, actor=SYSTEM, now=later)
    assert newest(context, batch).status is PrintFileStatus.shredded
    printing.remove_unneeded(context)
    assert f"{file.run}.sealed" not in on_disk(context)
    assert chunks_left(context, batch) == 0
    assert download(browsers[0], file, batch).status_code == 409


def test_a_withdrawn_file_is_destroyed_and_may_be_asked_for_again(context, browsers, batch):
    file = released(context, browsers, batch)
    assert decide(browsers[1], file, "withdraw").status_code == 302
    assert f"{file.run}.sealed" not in on_disk(context)
    assert download(browsers[0], file, batch).status_code == 409
    assert chunks_left(context, batch) == 1
    assert ask(browsers[0], batch).status_code == 302


def test_one_batch_has_one_print_file_at_a_time(context, browsers, batch):
    assert ask(browsers[0], batch).status_code == 302
    again = ask(browsers[1], batch)
    assert again.status_code == 422
    assert "只能取出一次" in again.text


def test_postgresql_refuses_one_person_in_both_parts(context, browsers, batch, asker):
    ask(browsers[0], batch)
    printing.make_print_file(context, newest(context, batch).id)
    alone = text(
        "UPDATE print_file SET status = 'released', released_by_id = :id WHERE batch_id = :batch"
    )
    with (
        pytest.raises(IntegrityError, match="print_second_person"),
        context.database.unit_of_work(SYSTEM) as session,
    ):
        session.execute(alone, {"id": asker.id, "batch": batch.id})


def test_only_a_generated_batch_is_printed(make, browsers):
    draft = make.batch()
    refused = ask(browsers[0], draft)
    assert refused.status_code == 422
    assert "只有全部券都已生成的批次才能印制" in refused.text


def test_formats_for_small_runs_refuse_a_big_one(context, browsers, batch):
    with context.database.unit_of_work(SYSTEM) as session:
        session.execute(
            text("UPDATE voucher_batch SET quantity = 2001 WHERE id = :id"), {"id": batch.id}
        )
        session.execute(
            text("UPDATE voucher_chunk SET quantity = 2001 WHERE batch_id = :id"), {"id": batch.id}
        )
    refused = ask(browsers[0], batch, format="png")
    assert refused.status_code == 422
    assert "最多支持 2,000 张" in refused.text
    assert 'aria-invalid="true"' in refused.text


def test_what_is_typed_stands_on_the_paper(context, browsers, batch):
    browser, path = browsers[0], f"/console/print/{batch.id}/design"
    typed = {
        "title": "新年礼券",
        "terms": "仅限堂食",
        "support_phone": "400-1",
        "colour": "#7a1f1f",
    }
    assert browser.post(path, typed, form=path).status_code == 302
    proof = browser.get(f"/console/print/{batch.id}/proof.pdf?layout=a4")
    assert proof.mimetype == "application/pdf"
    assert "新年礼券" in text_of(proof.data)
    assert "400-1" in text_of(proof.data)
    assert "仅限堂食" in text_of(proof.data, 1)
    preview = browser.get(f"/console/print/{batch.id}/preview.png?layout=card")
    assert preview.data.startswith(b"\x89PNG")
    bright = browser.post(path, {**typed, "colour": "#ffe9a0"}, form=path)
    assert bright.status_code == 422
    assert "看不清" in bright.text
    wrong = browser.post(path, {**typed, "colour": "red", "support_phone": "call"}, form=path)
    assert "请填颜色值" in wrong.text
    assert "只能填数字" in wrong.text
    assert "仅限堂食" in bright.text  # What was typed is still there.
    ask(browser, batch)
    fixed = browser.post(path, typed, form=path)
    assert fixed.status_code == 422
    assert "请先撤回印刷文件" in fixed.text


def test_the_page_shows_progress_and_what_to_do_next(context, browsers, batch):
    asker, checker = browsers
    page = f"/console/print/{batch.id}"
    assert "还没有印刷文件" in asker.get(page).text
    ask(asker, batch)
    file = newest(context, batch)
    assert "<progress" in asker.get(page).text
    seen = asker.get(f"/console/print-files/{file.id}/progress").json
    assert seen == {"status": "requested", "label": "已申请", "done": 0, "total": 10}
    printing.make_print_file(context, file.id)
    assert "正在等待第二人放行" in asker.get(page).text
    assert f"/console/print-files/{file.id}/release" in checker.get(page).text
    assert f"/console/print-files/{file.id}/release" not in asker.get(page).text
    decide(checker, file, "release")
    assert "下载文件" in asker.get(page).text
    assert "下载文件" not in checker.get(page).text
    sha256 = newest(context, batch).sha256.hex()
    assert re.search(sha256, asker.get(page).text)


def test_a_shredded_batch_can_be_opened_by_nobody(context, browsers, batch):
    file = released(context, browsers, batch)
    assert download(browsers[0], file, batch).data
    decide(browsers[0], file, "acknowledge")
    with (
        pytest.raises(voucher_chunks.CodesShredded),
        context.database.unit_of_work(SYSTEM) as session,
    ):
        voucher_chunks.open_chunk(session, batch_id=batch.id, chunk_no=1, keys=context.keys)
