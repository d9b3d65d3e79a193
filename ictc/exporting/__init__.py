"""Taking a result away: folders, tables, what other tools read. A format is one file; one engine puts it on disk."""
