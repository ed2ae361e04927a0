"""Calls that come at the same time go to the database together, as a commit of many does.

Whoever finds nobody under way goes at once, by itself; who comes while a group is under way waits,
and goes with all others who wait as soon as those are back. So a quiet counter waits for nothing,
and a busy hour has groups.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")
Made = TypeVar("Made")

_LARGEST = 16

logger = logging.getLogger(__name__)


class Together(Generic[Asked, Answered]):
    """The calls of one kind in this process.

    Args:
        send: Takes a group of calls and gives the answers it has, by their index. It may leave out
            any; it must not wait for others, since the next group waits for it.
        hopeless: Errors of ``send`` that each call would meet alone, too.
    """

    def __init__(
        self,
        send: Callable[[Sequence[Asked]], Mapping[int, Answered]],
        *,
        hopeless: tuple[type[Exception], ...] = (),
    ) -> None:
        self._send = send
        self._hopeless = hopeless
        self._lock = threading.Lock()
        self._waiting: deque[_Call[Asked, Answered]] = deque()
        self._under_way = self._one_alone = False

    def go(self, asked: Asked, by_itself: Callable[[], Made]) -> Answered | Made:
        """What a group answers, or what the call gives by itself: when nobody else is under way,
        and when the group has left it out.

        Raises:
            Exception: Any of ``by_itself``, or of a group one that is hopeless.
        """
        with self._alone() as alone:
            if alone:
                return by_itself()
        answer = self.ask(asked)
        return by_itself() if answer is None else answer

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether nobody is under way: then this call goes by itself, which costs less.

        Nobody waits for it, so that it may wait for locks; whoever comes meanwhile forms a group.
        """
        with self._lock:
            may = not self._under_way and not self._one_alone
            self._one_alone = self._one_alone or may
        try:
            yield may
        finally:
            if may:
                self._one_alone = False

    def ask(self, asked: Asked) -> Answered | None:
        """The answer, or nothing: then this call has had no effect and is to go by itself.

        Raises:
            Exception: One of those that are hopeless.
        """
        call = _Call[Asked, Answered](asked)
        with self._lock:
            self._waiting.append(call)
            leads, self._under_way = not self._under_way, True
        if not leads:
            call.turn.acquire()
            leads = call.leads
        if leads:
            self._lead()
        if call.error is not None:
            raise call.error
        return call.answer

    def _lead(self) -> None:
        """Go with those who wait; the first of them is whoever leads."""
        with self._lock:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), _LARGEST))]
        try:
            answers = self._send([call.asked for call in group])
            for index, answer in answers.items():
                group[index].answer = answer
        except self._hopeless as error:
            for call in group:
                call.error = error
        except Exception:
            # Each goes by himself now, and who is to blame is told so.
            logger.warning("A group of %d calls was given up", len(group), exc_info=True)
        finally:
            self._appoint_next()
            for call in group[1:]:
                call.turn.release()

    def _appoint_next(self) -> None:
        with self._lock:
            self._under_way = bool(self._waiting)
            if self._waiting:
                self._waiting[0].leads = True
                self._waiting[0].turn.release()


class _Call(Generic[Asked, Answered]):
    """One call that waits. ``turn`` is free when it is answered, or is to lead the next group."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.answer: Answered | None = None
        self.error: Exception | None = None
        self.leads = False
        self.turn = threading.Lock()
        self.turn.acquire()
