"""What a study found, for readers: which name of a neuron is shown, and files to take away."""
