"""A run brought up to date with its folder: what changed there, where the new images go, how they differ."""
