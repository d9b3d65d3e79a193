"""Measurements that anyone can rerun: `make bench ICTC_DATA=DIR`."""
