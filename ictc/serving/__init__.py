"""`ictc serve`: the report's page live on this machine, with what `ictc refine` does as buttons."""
