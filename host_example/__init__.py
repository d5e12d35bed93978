"""A small store with its own tables, pages and event bus; it knows the plugin only in `plugin_setup` and `links`."""
