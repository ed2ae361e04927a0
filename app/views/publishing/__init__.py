"""The content desk, the media library, traffic and search words."""
