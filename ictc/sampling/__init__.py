"""A sample of the images is described; a probe on image embeddings carries its clusters to the rest, and is audited."""
