"""The warehouse: embedded ClickHouse, its client, the raw schema, the importer."""
