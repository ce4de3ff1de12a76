"""A local server with the interface of TensorFlow Serving, and a client of both."""
