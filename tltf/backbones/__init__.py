"""Encoders, one file each; a file here is an entry of the registry."""
