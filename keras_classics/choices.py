"""What one can choose from by name. It imports nothing, so that a command can refuse a wrong name at once."""

BACKENDS = ("tensorflow", "jax", "torch")
DATA_SETS = ("mnist_sample", "mnist", "cifar10", "cifar100", "imagenet2012")
SAMPLES = {"mnist_sample": "mnist"}  # data sets that are a part of another
EXPORT_FORMATS = {"saved_model": "tf_saved_model", "tflite": "litert"}  # ours: Keras'
PEERS = ("keras.applications", "pytorchcv", "torchvision", "native-groups")
VIEWS = ("1", "2", "10", "144", "150")  # of a picture, whose answers are averaged
