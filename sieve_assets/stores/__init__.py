"""Where results live: tables in one DuckDB file, pictures and arrays in files named by content."""
