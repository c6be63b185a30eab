"""A first spec for data that lie on this machine: what they are, and settings that fit them."""
