"""What runs say: reports, pictures, comparisons."""
