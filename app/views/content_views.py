"""All views of content and media, for the one list of views."""

from app.views.content_desk import ContentDesk
from app.views.content_links import ContentLinks
from app.views.content_order import ContentOrder
from app.views.content_versions import ContentVersions
from app.views.contents import Contents
from app.views.media import MediaDesk

CONTENT = (Contents, ContentDesk, ContentVersions, ContentOrder, ContentLinks, MediaDesk)
