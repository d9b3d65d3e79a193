"""Steering a finished result: corrections, another K, another criterion; each change is a new revision of the run."""
