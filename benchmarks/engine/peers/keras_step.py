"""A step in Keras for rounds.mjs: MODEL BATCH THREADS MODE SIZE."""
import os, sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
name, batch, threads, mode, size = sys.argv[1], *map(int, sys.argv[2:4]), sys.argv[4], int(sys.argv[5])
import numpy as np
import tensorflow as tf
from serve import serve

tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(1 if threads == 1 else 2)
shape = (size, size, 3)
build = {
    "mobilenet_v2_100": lambda: tf.keras.applications.MobileNetV2(weights=None, include_top=False, pooling="avg", input_shape=shape),
    "mobilenet_v2_050": lambda: tf.keras.applications.MobileNetV2(alpha=0.5, weights=None, include_top=False, pooling="avg", input_shape=shape),
    "efficientnet_b0": lambda: tf.keras.applications.EfficientNetB0(weights=None, include_top=False, pooling="avg", input_shape=shape),
}[name]
model = tf.keras.Sequential([build(), tf.keras.layers.Dense(136)])
model.compile("adam", "mse")
x = tf.constant(np.random.rand(batch, *shape).astype("float32"))
y = tf.constant(np.random.rand(batch, 136).astype("float32"))
infer = tf.function(lambda x: model(x, training=False))


def step():
    if mode == "train":
        model.train_on_batch(x, y)
    else:
        infer(x).numpy()


serve(step, batch, f"Keras {tf.keras.__version__}, TensorFlow {tf.__version__}")
