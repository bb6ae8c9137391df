"""The neuron atlas: a static site of what a study has found."""
