"""Taking the file out: what breaks is not delivered, and only the last byte ends it."""

from __future__ import annotations

from app.flows.vouchers import printing
from app.models.print_files import PrintFileStatus
from tests.views.printing.print_runs import (
    audited,
    decide,
    download,
    newest,
    released,
)


def test_a_download_that_breaks_is_not_counted_as_delivered(context, browsers, batch, asker, make):
    file = released(context, browsers, batch)
    taker = {"print_file_id": file.id, "taker": make.actor(asker)}
    printing.begin_taking_out(context, **taker)
    taken = printing.take_out(context, **taker)
    broken = printing.read_taken(context, taken, printing.Part(0, taken.byte_count))
    next(broken)
    broken.close()
    file = newest(context, batch)
    assert (file.status, file.delivered_at, file.downloads) == (PrintFileStatus.taken, None, 1)
    assert download(browsers[0], file, batch).data
    assert newest(context, batch).delivered_at is not None


def test_a_broken_download_goes_on_where_it_was(context, browsers, batch):
    asker, checker = browsers
    file = released(context, browsers, batch)
    content = f"/console/print-files/{file.id}/content"
    assert asker.get(content).status_code == 409  # A GET alone begins nothing.
    whole = download(asker, file, batch)
    assert whole.headers["Accept-Ranges"] == "bytes"
    etag, half = whole.headers["ETag"], len(whole.data) // 2
    rest = asker.get(content, headers={"Range": f"bytes={half}-", "If-Range": etag})
    assert rest.status_code == 206
    assert rest.data == whole.data[half:]
    assert rest.headers["Content-Range"] == f"bytes {half}-{file.byte_count - 1}/{file.byte_count}"
    assert rest.content_length == len(rest.data)
    first = asker.get(content, headers={"Range": "bytes=0-9"})
    assert (first.status_code, first.data) == (206, whole.data[:10])
    other = asker.get(content, headers={"Range": f"bytes={half}-", "If-Range": '"another"'})
    assert (other.status_code, other.data) == (200, whole.data)
    beyond = asker.get(content, headers={"Range": f"bytes={file.byte_count}-"})
    assert beyond.status_code == 416
    assert checker.get(content, headers={"Range": "bytes=0-9"}).status_code == 403
    tries = [r.detail["from_byte"] for r in audited(context, file) if "from_byte" in r.detail]
    assert tries == [0, half, 0, 0]
    decide(asker, file, "acknowledge")
    assert asker.get(content, headers={"Range": f"bytes={half}-"}).status_code == 409


def test_only_the_last_byte_ends_a_download(context, browsers, batch):
    asker, _ = browsers
    file = released(context, browsers, batch)
    path = f"/console/print-files/{file.id}/download"
    begun = asker.post(path, form=f"/console/print/{batch.id}/design")
    assert len(asker.get(begun.location, headers={"Range": "bytes=0-99"}).data) == 100
    assert asker.client.head(begun.location).status_code == 200
    assert newest(context, batch).delivered_at is None
    rest = asker.get(begun.location, headers={"Range": "bytes=100-"})
    assert len(rest.data) == file.byte_count - 100
    assert newest(context, batch).delivered_at is not None
