"""A small actor library: a registry daemon starts actors, passes messages to them, and cancels them all when it is stopped."""
