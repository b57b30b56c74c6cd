"""Tables and transactions, on SQLite or Postgres: `storage.store.Store` is the way in."""
