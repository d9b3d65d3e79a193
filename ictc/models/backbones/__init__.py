"""Networks that see: pixels to features, as modules that can be trained. Found by a spec, made again from JSON."""
