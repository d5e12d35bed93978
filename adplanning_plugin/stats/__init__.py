"""Pure numerics: arrays and sufficient statistics in, results out; no database, no web, nothing else of the plugin."""
