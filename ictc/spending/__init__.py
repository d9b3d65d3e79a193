"""Money and time: what a run will cost, what it has cost, and where it stops."""
