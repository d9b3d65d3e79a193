"""Vectors of images by formula, without a trained network."""
