"""What the tasks of specc.tasks do with tensors."""
