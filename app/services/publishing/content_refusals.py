"""What content refuses, and what to do then."""

from __future__ import annotations

from app.core.errors import N_, Category, DomainError


class ContentNotFound(DomainError):
    code = "content_not_found"
    category = Category.NOT_FOUND
    template = N_("This content is not there, or no longer published.")


class ContentPictureUnknown(DomainError):
    code = "content_picture_unknown"
    category = Category.INVALID
    template = N_("One of these pictures is not in the library. Please choose others.")


class ContentChangedMeanwhile(DomainError):
    code = "content_changed_meanwhile"
    category = Category.CONFLICT
    template = N_(
        "Somebody has saved version %(version_no)s of it meanwhile. Your text is still below:"
        " please compare it with the newest version and save again."
    )


class ContentNotYours(DomainError):
    code = "content_not_yours"
    category = Category.FORBIDDEN
    template = N_("The platform has not allowed this merchant to write that. Please ask it to.")


class ContentStateWrong(DomainError):
    code = "content_state_wrong"
    category = Category.CONFLICT
    template = N_("It is no longer in the state in which this can be done. Please look again.")


class ContentTimeWrong(DomainError):
    code = "content_time_wrong"
    category = Category.INVALID
    template = N_("Please choose a time in the future; it is withdrawn later than published.")


class ContentSlugTaken(DomainError):
    code = "content_slug_taken"
    category = Category.CONFLICT
    template = N_("Another page has this address already. Please choose another one.")
