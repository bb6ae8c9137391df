"""Methods that name neurons, to compare with; one module a family."""
