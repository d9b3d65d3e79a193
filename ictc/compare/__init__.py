"""Strategies, clusterers, embedders and seeds side by side on one labelled folder."""
