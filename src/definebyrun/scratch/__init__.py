"""What the book builds from nothing and tests against the library; it imports nothing of ours."""
