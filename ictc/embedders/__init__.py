"""Embedders of images and texts, one a file; found by their specs through `ictc.registry`."""
