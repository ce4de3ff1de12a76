"""Models for TensorFlow Serving."""
