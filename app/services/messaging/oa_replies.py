"""What the official account answers by itself: to words, to new followers, to the unknown."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.actor import Actor
from app.core.errors import N_, Category, DomainError
from app.core.search_words import normalise
from app.models.official_account import OaReply, OaReplyKind
from app.services import journal

LONGEST_ANSWER = 600  # WeChat takes 2,048 bytes; a Chinese character has three.
MOST_WORDS, LONGEST_WORD = 20, 20


class ReplyWordsInvalid(DomainError):
    code = "reply_words_invalid"
    category = Category.INVALID
    template = N_("Please give one to twenty words, none longer than twenty characters.")


class ReplyWordTaken(DomainError):
    code = "reply_word_taken"
    category = Category.CONFLICT
    template = N_("“%(word)s” has an answer already. Please change that one.")


class ReplyKindTaken(DomainError):
    code = "reply_kind_taken"
    category = Category.CONFLICT
    template = N_("There is such an answer already. Please change that one.")


class ReplyNotFound(DomainError):
    code = "reply_not_found"
    category = Category.NOT_FOUND
    template = N_("This answer is no longer there.")


def keep_reply(
    session: Session,
    *,
    reply_id: int | None,
    kind: OaReplyKind,
    words: Sequence[str],
    anywhere: bool,
    answer: str,
    actor: Actor,
) -> OaReply:
    """Answer these words so from now on; an existing answer is replaced.

    Args:
        anywhere: Also when a word stands within a longer message.

    Raises:
        ReplyWordsInvalid, ReplyWordTaken, ReplyKindTaken, ReplyNotFound
    """
    others = select(OaReply).where(OaReply.id != (reply_id or 0)).with_for_update()
    known = list(session.scalars(others))
    kept = list(dict.fromkeys(filter(None, (normalise(word).strip() for word in words))))
    if kind is not OaReplyKind.keyword:
        kept = []
        if any(other.kind is kind for other in known):
            raise ReplyKindTaken
    elif not 1 <= len(kept) <= MOST_WORDS or any(len(word) > LONGEST_WORD for word in kept):
        raise ReplyWordsInvalid
    taken = sorted({word for other in known for word in other.words} & set(kept))
    if taken:
        raise ReplyWordTaken(word=taken[0])
    reply = OaReply() if reply_id is None else session.get(OaReply, reply_id)
    if reply is None:
        raise ReplyNotFound
    reply.kind, reply.words, reply.anywhere = kind, kept, anywhere and bool(kept)
    reply.answer = answer[:LONGEST_ANSWER]
    session.add(reply)
    session.flush()
    journal.audit(
        session, "oa.reply_kept", actor=actor, subject_id=reply.id, detail={"words": kept}
    )
    return reply


def drop_reply(session: Session, *, reply_id: int, actor: Actor) -> None:
    """Answer so no longer. Twice is once."""
    reply = session.get(OaReply, reply_id)
    if reply is not None:
        session.delete(reply)
        journal.audit(
            session, "oa.reply_dropped", actor=actor, subject_id=reply_id,
            detail={"words": list(reply.words)},
        )  # fmt: skip


def answer_to(session: Session, typed: str) -> str | None:
    """The answer written for a message: for just that word, else for the longest word in it."""
    said = normalise(typed).strip()
    found: tuple[int, str] | None = None
    for reply in session.scalars(select(OaReply).where(OaReply.kind == OaReplyKind.keyword)):
        if said in reply.words:
            return reply.answer
        longest = max((len(word) for word in reply.words if word in said), default=0)
        if reply.anywhere and longest and (found is None or longest > found[0]):
            found = (longest, reply.answer)
    return found[1] if found else None


def written_for(session: Session, kind: OaReplyKind) -> str | None:
    """The answer to new followers, or for what finds nothing; None: the program's own."""
    return session.scalar(select(OaReply.answer).where(OaReply.kind == kind))
