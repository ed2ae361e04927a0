"""Search words: what people look for, what found nothing, and the synonyms that help."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from flask import g, url_for
from flask.typing import ResponseReturnValue
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clock import local_day, utc_now
from app.core.errors import N_
from app.flows.once import Body
from app.models.searching import SearchSynonym
from app.queries.publishing.traffic import searched_words
from app.services.publishing.search_index import drop_synonyms, keep_synonyms
from app.views.desks import Desk, action, those_allowed
from app.views.forms import OnceForm, Prose
from app.views.once import write_once

DAYS = 30
_BETWEEN = re.compile(r"[,，、;；\s]+")


class SynonymForm(OnceForm):
    refusals_at = {"synonyms_invalid": "words"}
    words = Prose(
        N_("Words that mean the same"),
        description=N_("Separated by commas or spaces."),
        longest=400,
    )


class DropForm(OnceForm):
    """A yes is enough."""


class SearchWords(Desk):
    route_base = "/console/search-words"
    belongs_to = "SearchWords"
    default_view = "show"

    @expose("/")
    @has_access
    def show(self) -> ResponseReturnValue:
        session, today = self.appbuilder.session, local_day(utc_now())
        days = {"first": today - timedelta(days=DAYS - 1), "last": today}
        groups = session.scalars(select(SearchSynonym).order_by(SearchSynonym.id)).all()
        return self.page(
            "console/search_words.html",
            hot=searched_words(session, **days, found_none=False),
            nothing=searched_words(session, **days, found_none=True),
            groups=[(group, self._buttons(group)) for group in groups],
            add=those_allowed(action(gettext("Add synonyms"), "SearchWords.add", tone="main")),
            days=DAYS,
        )

    @expose("/add", methods=("GET", "POST"))
    @has_access
    def add(self) -> ResponseReturnValue:
        return self._keep(None, SynonymForm(), title=gettext("Add synonyms"))

    @expose("/<int:pk>/edit", methods=("GET", "POST"))
    @has_access
    def edit(self, pk: int) -> ResponseReturnValue:
        group = self.found(SearchSynonym, pk)
        form = SynonymForm(data={"words": "，".join(group.words)})
        return self._keep(pk, form, title=gettext("Change synonyms"))

    @expose("/<int:pk>/drop", methods=("GET", "POST"))
    @has_access
    def drop(self, pk: int) -> ResponseReturnValue:
        words = "、".join(self.found(SearchSynonym, pk).words)
        return self.confirmed(
            DropForm(),
            lambda session: drop_synonyms(session, synonym_id=pk, actor=g.actor),
            said=gettext("%(words)s are different words again.", words=words),
            back=url_for("SearchWords.show"),
            title=gettext("Drop synonyms"),
            submit=gettext("Drop synonyms"),
            tone="danger",
            facts=[
                gettext(
                    "Whoever looks for one of %(words)s no longer finds the others.", words=words
                )
            ],
        )

    def _keep(self, pk: int | None, form: SynonymForm, *, title: str) -> ResponseReturnValue:
        if form.validate_on_submit():
            words = _BETWEEN.split((form.words.data or "").strip())

            def effect(session: Session) -> Body:
                kept = keep_synonyms(session, synonym_id=pk, words=words, actor=g.actor)
                return {"words": list(kept.words)}

            with form.refusals():
                done: Any = write_once(form, effect)
                said = gettext(
                    "%(words)s mean the same from now on.", words="、".join(done["words"])
                )
                return self.done(said, url_for("SearchWords.show"))
        return self.form_page(
            form, title=title, submit=gettext("Keep synonyms"), back=url_for("SearchWords.show")
        )

    def _buttons(self, group: SearchSynonym) -> Any:
        return those_allowed(
            action(gettext("Change"), "SearchWords.edit", pk=group.id),
            action(gettext("Drop"), "SearchWords.drop", tone="danger", pk=group.id),
        )
