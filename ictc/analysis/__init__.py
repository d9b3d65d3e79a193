"""What the clusters of a run are like: how apart, by which words, with which outliers, copies and neighbours."""
