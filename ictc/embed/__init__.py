"""Text and image embedders, and wrappers around them."""
