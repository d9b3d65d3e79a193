"""Recipes: one file a data set, thin code on `ictc.datasets`. Registered as entry points of `ictc.datasets`."""
