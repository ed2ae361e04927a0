"""Pictures of the library: the file first, then its row; sizes by a job; what is deleted goes last.

They lie in ``KAQUAN_HOME/media/<two letters>/<key>/``. A file without a row harms nobody and is not
found by anybody; a row without a file would be a hole in a page.
"""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

from PIL import Image

from app.core.actor import SYSTEM, Actor
from app.documents.pictures import Picture, read_picture, shrink
from app.flows.context import Context
from app.models.contents import MediaFile, MediaStatus
from app.services.publishing import media

log = logging.getLogger(__name__)


def take_picture(
    context: Context,
    actor: Actor,
    *,
    merchant_id: int,
    name: str,
    content: bytes,
    alt: str = "",
) -> MediaFile:
    """Draw an uploaded picture anew and take it into a merchant's library."""
    drawn = read_picture(content)
    key = media.new_key()
    folder = folder_of(context, key)
    _write(folder / f"full.{drawn.extension}", drawn.content)
    try:
        with context.database.unit_of_work(SYSTEM) as session:
            return media.add_media(
                session,
                merchant_id=merchant_id,
                picture=_facts(drawn, key, name),
                alt=alt,
                actor=actor,
            )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def make_sizes(context: Context, media_id: int) -> None:
    """The job: smaller sizes as WebP. Run twice, it writes the same files."""
    with context.database.unit_of_work(SYSTEM) as session:
        found = session.get(MediaFile, media_id)
    if found is None or found.status is MediaStatus.ready:
        return
    folder = folder_of(context, found.key)
    sizes: dict[int, int] | None = None
    try:
        made = shrink((folder / f"full.{found.extension}").read_bytes())
    except (OSError, ValueError, Image.DecompressionBombError):
        log.exception("no sizes of picture %s", media_id)
    else:
        for width, content in made.items():
            _write(folder / f"{width}.webp", content)
        sizes = {width: len(content) for width, content in made.items()}
    with context.database.unit_of_work(SYSTEM) as session:
        media.keep_sizes(session, media_id=media_id, byte_counts=sizes)


def drop_picture(context: Context, actor: Actor, media_id: int) -> None:
    """Delete a picture that nothing uses, its files after its row."""
    with context.database.unit_of_work(SYSTEM) as session:
        key = media.delete_media(session, media_id=media_id, actor=actor)
    shutil.rmtree(folder_of(context, key), ignore_errors=True)


def folder_of(context: Context, key: str) -> Path:
    return context.settings.home / "media" / key[:2] / key


def _facts(drawn: Picture, key: str, name: str) -> media.DrawnPicture:
    return media.DrawnPicture(
        key=key,
        name=name,
        extension=drawn.extension,
        width=drawn.width,
        height=drawn.height,
        byte_count=len(drawn.content),
    )


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all: a reader never meets half a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.part")
    draft.write_bytes(content)
    draft.replace(path)
