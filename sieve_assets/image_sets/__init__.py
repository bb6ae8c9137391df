"""Sets of images that others keep: listed, read one by one, never copied."""
