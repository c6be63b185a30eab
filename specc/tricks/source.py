"""Data sources: where the images come from, and what is known of them before a byte is read."""

from specc.vocabulary.family import Source
from specc.vocabulary.kinds import Bool, Text
from specc.vocabulary.param import Param

DIGITS = tuple("0123456789")
FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR100 = (
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
    "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
    "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur",
    "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard",
    "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain",
    "mouse", "mushroom", "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree",
    "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket",
    "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider",
    "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger",
    "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman", "worm",
)  # fmt: skip

COMPONENTS = (
    Source(
        "digits",
        "1,797 handwritten digits, 8 x 8 gray (Alpaydin and Kaynak, 1998). They come with scikit-learn.",
        target="specc.backend.data.digits.read_digits",
        example="digits",
        shape=(1, 8, 8),
        classes=DIGITS,
        channels=1,
        images=1_442,
        orientation_sensitive=True,
    ),
    Source(
        "mnist",
        "70,000 handwritten digits, 28 x 28 gray (LeCun et al., 1998).",
        target="specc.backend.data.idx.read_mnist",
        example="mnist",
        shape=(1, 28, 28),
        classes=DIGITS,
        channels=1,
        images=60_000,
        orientation_sensitive=True,
    ),
    Source(
        "fashion_mnist",
        "70,000 images of clothing, 28 x 28 gray (Xiao et al., 2017).",
        target="specc.backend.data.idx.read_fashion_mnist",
        example="fashion_mnist",
        shape=(1, 28, 28),
        classes=FASHION,
        channels=1,
        images=60_000,
    ),
    Source(
        "cifar10",
        "60,000 photographs in ten classes, 32 x 32 RGB (Krizhevsky, 2009).",
        target="specc.backend.data.cifar.read_cifar10",
        example="cifar10",
        shape=(3, 32, 32),
        classes=CIFAR10,
        channels=3,
        images=50_000,
    ),
    Source(
        "cifar100",
        "60,000 photographs in a hundred classes, 32 x 32 RGB, fine labels (Krizhevsky, 2009).",
        target="specc.backend.data.cifar.read_cifar100",
        example="cifar100",
        shape=(3, 32, 32),
        classes=CIFAR100,
        channels=3,
        images=50_000,
    ),
    Source(
        "folder",
        "A folder with one folder of image files for each class, or with the folders of parts that hold these: "
        "`train`, `val`, `test`, in any dress.",
        (
            Param("path", Text(), doc="the folder; relative to the spec's folder"),
            Param("skip_broken", Bool(), False, "skip files that cannot be used, and report how many and which"),
        ),
        target="specc.backend.data.folder.read_folder",
        example='folder("data/flowers")',
        channels=3,
        files=True,
    ),
    Source(
        "webdataset",
        'Tar files ("shards") of samples: the files of a sample share a name, such as `7.jpg` and `7.cls`. '
        "A label is a number from 0 or a name, in `.cls`, or in `.json` as `label`.",
        (
            Param("path", Text(), doc="the shards, such as train-{000..127}.tar; relative to the spec's folder"),
            Param("test", Text(), None, "the shards of the test split"),
            Param("skip_broken", Bool(), False, "skip images that cannot be used, and report how many and which"),
        ),
        target="specc.backend.data.webdataset.read_webdataset",
        example='webdataset("data/train-{000..127}.tar")',
        channels=3,
        files=True,
    ),
    Source(
        "npz",
        "A NumPy archive with uint8 images and integer labels: `x_train` and `y_train`, with or without the same "
        "for `val` and `test`; or `train_images` and `train_labels` (MedMNIST); or `images` and `labels`; and, if it "
        "likes, the class names as `classes`.",
        (Param("path", Text(), doc="the file; a relative path counts from the spec's folder"),),
        target="specc.backend.data.npz.read_npz",
        example='npz("data/letters.npz")',
    ),
)
