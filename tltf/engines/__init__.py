"""Ways to run a frozen encoder fast, one file each."""
