"""Data sets of the papers, prepared for `ictc run`: recipes (`ictc_datasets`, entry points) and what they stand on."""
