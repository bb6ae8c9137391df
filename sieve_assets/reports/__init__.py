"""What people look at: the summary of a study and the figures of the evidence."""
