"""Makes small TensorFlow Hub modules of both formats, with numbers known here."""

import numpy as np
import tensorflow as tf

WORDS = ("the", "cat", "sat", "on", "mat", "dog")
WIDTH = 8  # of a text's vector
TABLE = np.random.default_rng(0).normal(size=(len(WORDS) + 1, WIDTH)).astype("float32")
BUCKETS, HALF = 50, 4  # of the ELMo-like module; `elmo` is 2 * HALF wide
LAYERS = np.random.default_rng(1).normal(size=(3, BUCKETS, HALF)).astype("float32")


class Text(tf.Module):
    """Reusable SavedModel: strings to the mean of their words' vectors."""

    def __init__(self, vocabulary):
        super().__init__()
        index = tf.lookup.TextFileIndex
        lines = tf.lookup.TextFileInitializer(
            vocabulary,
            tf.string,
            index.WHOLE_LINE,
            tf.int64,
            index.LINE_NUMBER,
        )
        self.words = tf.lookup.StaticVocabularyTable(lines, 1)
        self.table = tf.Variable(TABLE, name="embeddings/table")

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def __call__(self, texts):
        tokens = tf.strings.split(tf.strings.lower(texts))
        ids = tf.ragged.map_flat_values(self.words.lookup, tokens)
        rows = tf.ragged.map_flat_values(tf.nn.embedding_lookup, self.table, ids)
        return tf.ensure_shape(tf.reduce_mean(rows, 1), [None, WIDTH])


class Image(tf.Module):
    """Reusable SavedModel: pictures in 0..1 to a vector, with batch normalisation."""

    def __init__(self, side=None, pooled=True):
        super().__init__()
        make = tf.random.Generator.from_seed(1)
        self.kernel = tf.Variable(make.normal([3, 3, 3, 8]) * 0.2, name="conv/kernel")
        self.gamma = tf.Variable(tf.ones([8]), name="bn/gamma")
        self.beta = tf.Variable(tf.zeros([8]), name="bn/beta")
        self.mean = tf.Variable(tf.zeros([8]), trainable=False, name="bn/mean")
        self.var = tf.Variable(tf.ones([8]), trainable=False, name="bn/var")
        self.pooled, self.spec = pooled, tf.TensorSpec([None, side, side, 3])

    @tf.function
    def __call__(self, images, training=False):
        x = tf.nn.conv2d(images, self.kernel, 2, "SAME")
        mean, var = self.mean, self.var
        if training:
            mean, var = tf.nn.moments(x, [0, 1, 2])
            self.mean.assign(self.mean * 0.9 + mean * 0.1)
            self.var.assign(self.var * 0.9 + var * 0.1)
        x = tf.nn.batch_normalization(x, mean, var, self.beta, self.gamma, 1e-3)
        x = tf.nn.relu(x)
        return tf.reduce_mean(x, [1, 2]) if self.pooled else {"default": x}

    @tf.function(input_signature=[])
    def decay(self):
        return 1e-2 * tf.nn.l2_loss(self.kernel)


def text(folder):
    """Saves a TF2 text embedding with a vocabulary as asset; returns its path."""
    vocabulary = folder.parent / f"{folder.name}.txt"
    vocabulary.write_text("\n".join(WORDS) + "\n")
    module = Text(str(vocabulary))
    holder = _reusable(module.__call__, [module.table], [module.table])
    holder.words = module.words
    tf.saved_model.save(holder, str(folder))
    return str(folder)


def image(folder, *, side=None, pooled=True):
    """Saves a TF2 image feature vector with regularization; returns its path."""
    module = Image(side, pooled)
    for training in (True, False):
        module.__call__.get_concrete_function(module.spec, training=training)
    learnt = [module.kernel, module.gamma, module.beta]
    holder = _reusable(module.__call__, learnt, [*learnt, module.mean, module.var])
    holder.regularization_losses = [module.decay]

    @tf.function(input_signature=[module.spec])
    def served(images):
        return {"vector": module(images) if pooled else module(images)["default"]}

    tf.saved_model.save(holder, str(folder), signatures={"serving_default": served})
    return str(folder)


def _reusable(function, learnt, variables):
    holder = tf.train.Checkpoint()
    holder.__call__ = function
    holder.trainable_variables, holder.variables = learnt, variables
    return holder


def elmo(folder):
    """Saves a module of TF1 format with the interface of google/elmo/2.

    Signatures `default` (texts split at blanks) and `tokens`; outputs word_emb,
    lstm_outputs1, lstm_outputs2, elmo and default. Four numbers learn.
    """
    return _old(folder, lambda: _signatures(_variables()))


def old_text(folder):
    """Saves a module of TF1 format with a table of words as asset: word to vector."""
    vocabulary = folder.parent / f"{folder.name}.txt"
    vocabulary.write_text("\n".join(WORDS) + "\n")
    return _old(folder, lambda: _lookup(str(vocabulary)))


def _old(folder, signatures):
    """Saves the graphs to infer and to train with; `signatures` makes one."""
    v1 = tf.compat.v1
    builder = v1.saved_model.Builder(str(folder))
    for tags in ([], ["train"]):
        with tf.Graph().as_default(), v1.Session() as session:
            made = signatures()
            start = v1.tables_initializer()
            session.run([v1.global_variables_initializer(), start])
            files = v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS)
            whole = {"assets_collection": files, "main_op": start}
            if tags:
                builder.add_meta_graph(tags, made, **whole)
            else:
                builder.add_meta_graph_and_variables(session, tags, made, **whole)
    builder.save()
    # the message ModuleDef with format = FORMAT_V3
    (folder / "tfhub_module.pb").write_bytes(b"\x08\x03")
    return str(folder)


def _lookup(vocabulary):
    v1 = tf.compat.v1
    path = tf.constant(vocabulary)
    v1.add_to_collection(v1.GraphKeys.ASSET_FILEPATHS, path)
    index = tf.lookup.TextFileIndex
    lines = tf.lookup.TextFileInitializer(
        path, tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER
    )
    table = tf.lookup.StaticVocabularyTable(lines, 1)
    with v1.variable_scope("module"):
        rows = v1.get_variable("rows", initializer=TABLE)
    words = v1.placeholder(tf.string, [None], "text")
    vectors = {"default": tf.gather(rows, table.lookup(words))}
    return {"default": v1.saved_model.predict_signature_def({"text": words}, vectors)}


def _variables():
    v1 = tf.compat.v1
    with v1.variable_scope("module"):
        layers = v1.get_variable("layers", initializer=LAYERS, trainable=False)
        with v1.variable_scope("aggregation"):
            mix = [v1.get_variable(f"weights_{n}", initializer=0.0) for n in range(3)]
            gamma = v1.get_variable("gamma", initializer=1.0)
    return layers, mix, gamma


def _outputs(tokens, lengths, variables):
    layers, mix, gamma = variables
    ids = tf.strings.to_hash_bucket_fast(tokens, BUCKETS)
    first, *upper = (tf.gather(layers[n], ids) for n in range(3))
    wide = [tf.concat([x, x], -1) for x in (first, *upper)]
    shares = tf.unstack(tf.nn.softmax(tf.stack(mix)))
    mixed = gamma * tf.add_n([w * x for w, x in zip(shares, wide, strict=True)])
    count = tf.cast(tf.maximum(lengths, 1), tf.float32)[:, None]
    mask = tf.sequence_mask(lengths, tf.shape(tokens)[1], tf.float32)[..., None]
    mean = tf.reduce_sum(mixed * mask, 1) / count
    names = ("word_emb", "lstm_outputs1", "lstm_outputs2", "elmo", "default")
    return dict(zip(names, (first, *wide[1:], mixed, mean), strict=True))


def _signatures(variables):
    v1 = tf.compat.v1
    text = v1.placeholder(tf.string, [None], "text")
    split = tf.strings.split(text, " ")
    lengths = tf.cast(split.row_lengths(), tf.int32)
    tokens = v1.placeholder(tf.string, [None, None], "tokens")
    given = v1.placeholder(tf.int32, [None], "sequence_len")
    calls = {
        "default": ({"text": text}, _outputs(split.to_tensor(""), lengths, variables)),
        "tokens": (
            {"tokens": tokens, "sequence_len": given},
            _outputs(tokens, given, variables),
        ),
    }
    made = v1.saved_model.predict_signature_def
    return {name: made(*parts) for name, parts in calls.items()}
