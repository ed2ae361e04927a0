"""All views of content and media, for the one list of views."""

from app.views.publishing.content_desk import ContentDesk
from app.views.publishing.content_links import ContentLinks
from app.views.publishing.content_order import ContentOrder
from app.views.publishing.content_versions import ContentVersions
from app.views.publishing.contents import Contents
from app.views.publishing.media import MediaDesk

CONTENT = (Contents, ContentDesk, ContentVersions, ContentOrder, ContentLinks, MediaDesk)
