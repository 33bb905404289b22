"""Writes the small files of packages/backbones/src/__fixtures__/keras-*: one tiny model with random weights, saved in every
way that Keras saves weights, and what it predicts. They are gzipped: HDF5 is nine tenths padding.

    pip install tensorflow-cpu==2.18.1 keras==3.15.1 h5py
    python benchmarks/keras-weights/make_fixtures.py packages/backbones/src/__fixtures__
"""
import gzip, json, os, sys, tempfile
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import h5py, keras, numpy as np
from keras import layers
from keras.src.legacy.saving import legacy_h5_format

target, folder = sys.argv[1], tempfile.mkdtemp()
at = lambda name: os.path.join(folder, name)
random = np.random.default_rng(1)


def build(named=True):
    name = (lambda text: text) if named else (lambda text: None)
    x = inputs = keras.Input((6, 5, 3))
    if named:
        # Only one that has adapted keeps its mean and variance among the weights.
        normalization = layers.Normalization(name="normalization")
        normalization.adapt(random.uniform(-1, 2, (8, 6, 5, 3)).astype(np.float32))
        x = normalization(x)
    x = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False, name=name("stem_conv"))(x)
    x = layers.BatchNormalization(epsilon=1e-3, name=name("stem_bn"))(x)
    x = layers.ReLU(6.0)(x)
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=name("block_depthwise"))(x)
    x = layers.BatchNormalization(epsilon=1e-3, name=name("block_bn"))(x)
    x = layers.Activation("silu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(2, name=name("head"))(x))


def stir(model):
    for layer in model.layers:
        if isinstance(layer, layers.Normalization): continue
        values = [random.uniform(-0.5, 0.5, w.shape) for w in layer.get_weights()]
        if isinstance(layer, layers.BatchNormalization): values[0] += 1; values[3] = np.abs(values[3]) + 0.5
        layer.set_weights([v.astype(np.float32) for v in values])
    return model


def published(model, path):
    """The layout and the names of Keras 2, as the files of Keras Applications have them."""
    with h5py.File(path, "w") as f:
        f.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        f.attrs["backend"], f.attrs["keras_version"] = b"tensorflow", b"2.4.0"
        for layer in model.layers:
            group = f.create_group(layer.name)
            depthwise = isinstance(layer, layers.DepthwiseConv2D)
            names = [f"{layer.name}/{'depthwise_kernel' if depthwise and w.name == 'kernel' else w.name}:0" for w in layer.weights]
            group.attrs["weight_names"] = [n.encode() for n in names]
            for n, w in zip(names, layer.get_weights()): group.create_dataset(n, data=w)


model = stir(build())
images = random.uniform(-1, 1, (2, 6, 5, 3)).astype(np.float32)
model.save_weights(at("keras-3.weights.h5"))
model.save(at("keras-3.keras"))
model.save(at("keras-legacy-model.h5"), include_optimizer=False)
with h5py.File(at("keras-legacy-weights.h5"), "w") as f: legacy_h5_format.save_weights_to_hdf5_group(f, model)
published(model, at("keras-published.h5"))
unnamed = stir(build(named=False))
unnamed.save_weights(at("keras-3-unnamed.weights.h5"))
predict = lambda m: np.asarray(m(images, training=False)).reshape(-1).tolist()
reference = dict(
    script="benchmarks/keras-weights/make_fixtures.py", keras=keras.__version__,
    images=dict(shape=list(images.shape), values=[round(float(v), 8) for v in images.reshape(-1)]),
    outputs=predict(model), unnamedOutputs=predict(unnamed),
)
os.makedirs(target, exist_ok=True)
json.dump(reference, open(os.path.join(target, "keras-reference.json"), "w"), indent=1)
for name in sorted(os.listdir(folder)):
    packed = gzip.compress(open(at(name), "rb").read(), 9, mtime=0)
    open(os.path.join(target, name + ".gz"), "wb").write(packed)
    print(name, len(packed))
