"""Pictures and previews, the search index behind the content, and counting who came."""
