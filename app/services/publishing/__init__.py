"""What the public reads: content, pictures, the search index, and who came to read."""
