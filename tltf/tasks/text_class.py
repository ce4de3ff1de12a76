"""One class for each text."""

from tltf.tasks import image_class

KINDS = ("text",)
LABELS = "one"
METRIC = "accuracy"
USE = image_class.USE
ANSWERS = image_class.ANSWERS

# what the record is made of makes no difference to its class
outputs = image_class.outputs
targets = image_class.targets
loss = image_class.loss
probabilities = image_class.probabilities
choices = image_class.choices
answer = image_class.answer
truth = image_class.truth
score = image_class.score
hits = image_class.hits
glance = image_class.glance
serve = image_class.serve
