"""The answers of the official account at the console."""

from __future__ import annotations

import re
from typing import ClassVar

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext

from app.core.errors import N_
from app.flows.carrying_out import carry_out
from app.models.official_account import OaReply, OaReplyKind
from app.services.messaging.oa_replies import LONGEST_ANSWER, drop_reply, keep_reply
from app.views.desks import Desk
from app.views.forms import Choice, ConsoleForm, OnceForm, Prose, Text, Tick, states_to_choose
from app.web.context import current_context

_BETWEEN = re.compile(r"[,，、;；\s]+")


class ReplyForm(OnceForm):
    refusals_at: ClassVar = {
        "reply_words_invalid": "words",
        "reply_word_taken": "words",
        "reply_kind_taken": "kind",
    }
    kind = Choice(N_("When"))
    words = Text(
        N_("Words"), needed=False, longest=400,
        description=N_("For answers to words: separated by commas or spaces."),
    )  # fmt: skip
    anywhere = Tick(N_("Also within a longer message"))
    answer = Prose(
        N_("Answer"), longest=LONGEST_ANSWER,
        description=N_("Followers read it as it stands; addresses can be tapped."),
    )  # fmt: skip


class ReplyDesk(Desk):
    route_base = "/console/official-account/replies"
    belongs_to = "AccountDesk"
    default_view = "add"

    @expose("/add", methods=("GET", "POST"))
    @has_access
    def add(self) -> ResponseReturnValue:
        return self._keep(None, ReplyForm(), gettext("Add an answer"))

    @expose("/<int:pk>/edit", methods=("GET", "POST"))
    @has_access
    def edit(self, pk: int) -> ResponseReturnValue:
        reply: OaReply = self.found(OaReply, pk)
        form = ReplyForm(
            data={
                "kind": reply.kind.name,
                "words": "，".join(reply.words),
                "anywhere": reply.anywhere,
                "answer": reply.answer,
            }
        )
        return self._keep(pk, form, gettext("Change the answer"))

    @expose("/<int:pk>/drop", methods=("GET", "POST"))
    @has_access
    def drop(self, pk: int) -> ResponseReturnValue:
        reply: OaReply = self.found(OaReply, pk)
        form, back = ConsoleForm(), url_for("AccountDesk.show")
        if form.validate_on_submit():
            with form.refusals():
                carry_out(
                    current_context(),
                    lambda work: drop_reply(work, reply_id=pk, actor=g.actor),
                )
                return self.done(gettext("The answer is dropped."), back)
        return self.form_page(
            form,
            title=gettext("Drop the answer"),
            submit=gettext("Drop"),
            back=back,
            tone="danger",
            template="console/confirm.html",
            explanation="、".join(reply.words),
            facts=[gettext("From now on the search answers instead."), reply.answer],
        )

    def _keep(self, pk: int | None, form: ReplyForm, title: str) -> ResponseReturnValue:
        form.kind.offer(states_to_choose(OaReplyKind))
        return self.filled_in(
            form,
            lambda session: keep_reply(
                session,
                reply_id=pk,
                kind=OaReplyKind[form.kind.data],
                words=_BETWEEN.split((form.words.data or "").strip()),
                anywhere=bool(form.anywhere.data),
                answer=form.answer.data or "",
                actor=g.actor,
            ),
            said=gettext("The account answers so from now on."),
            back=url_for("AccountDesk.show"),
            title=title,
            submit=gettext("Save"),
        )
