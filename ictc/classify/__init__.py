"""New images into the classes or clusters of a run: by its prompts, by labelled clusters, or by its own clusters."""
