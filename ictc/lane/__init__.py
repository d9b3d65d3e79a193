"""The embedding lane: images and prompts as vectors, clustered and named, behind the interfaces of the other lane."""
