"""What the practice authorization servers have in common, on Authlib's server framework."""
