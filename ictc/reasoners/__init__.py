"""The three language steps of IC|TC: label, merge, assign."""
