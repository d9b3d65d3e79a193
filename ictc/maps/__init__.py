"""Static maps of runs: where images lie, coloured by cluster and by truth, several strategies side by side."""
