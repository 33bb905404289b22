"""Loss curve of plain SGD in Keras, float64 and float32: MODEL FOLDER SIZE BATCH STEPS LEARNING_RATE. Prints one JSON line."""
import json, os, sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
name, folder, size, batch, steps, rate = *sys.argv[1:3], *map(int, sys.argv[3:6]), float(sys.argv[6])
import keras
import numpy as np
import tensorflow as tf

options = dict(weights=None, include_top=False, pooling="avg", input_shape=(size, size, 3))
builders = {
    "mobilenet_v2_035": lambda: keras.applications.MobileNetV2(alpha=0.35, **options),
    "mobilenet_v2_100": lambda: keras.applications.MobileNetV2(alpha=1.0, **options),
    "efficientnet_b0": lambda: keras.applications.EfficientNetB0(**options),
}


def curve(dtype):
    keras.backend.clear_session()
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    model = builders[name]()
    model.load_weights(os.path.join(folder, "start.weights.h5"))
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):  # also drop path
            layer.rate = 0.0
    images = np.fromfile(os.path.join(folder, "images.f32"), np.float32).reshape(-1, size, size, 3).astype(dtype)
    targets = np.fromfile(os.path.join(folder, "targets.f32"), np.float32).reshape(len(images), -1).astype(dtype)
    step_size = tf.constant(rate, dtype)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x, training=True) - y))
        variables = [variable.value for variable in model.trainable_variables]
        for variable, gradient in zip(variables, tape.gradient(loss, variables)):
            variable.assign_sub(step_size * gradient)
        return loss

    losses = []
    for i in range(steps):
        first = i * batch % len(images)
        losses.append(float(step(tf.constant(images[first : first + batch]), tf.constant(targets[first : first + batch]))))
    return losses


version = f"Keras {keras.__version__}, TensorFlow {tf.__version__}"
print(json.dumps({"version": version, "float64": curve("float64"), "float32": curve("float32")}))
