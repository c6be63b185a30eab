"""Several processes for one training: started on this machine, or joined where torchrun or SLURM starts them."""
