"""A small store with tables, pages and an event bus; it knows the plugin only in `plugin_setup`, `options`, `links`."""
