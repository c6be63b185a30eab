"""Files written by `torch.save`, read without `pickle` or `torch.load`: tensors and plain values, and nothing else."""
